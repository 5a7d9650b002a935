import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { locale } from "./locale.js";

export interface Column<Row> {
  /** Names the column, in this table only. */
  key: string;
  title: string;
  /** What a cell shows. */
  cell: (row: Row) => ComponentChildren;
  /** What rows are sorted by; without it the column can't be sorted. */
  sort?: (row: Row) => string | number | bigint;
  /** True for figures, which stand at the end of their cells. */
  number?: boolean;
}

const collator = new Intl.Collator(locale, { numeric: true });

/** Table is a table whose columns can be sorted by their heads. */
export function Table<Row>(props: {
  /** What the table shows, for screen readers. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Tells rows apart. */
  rowKey: (row: Row) => string;
  /** What stands in the place of rows when there are none. */
  empty?: ComponentChildren;
}) {
  const [order, setOrder] = useState<{ key: string; descending: boolean }>();
  const by = props.columns.find((column) => column.key === order?.key)?.sort;
  const rows = by ? sorted(props.rows, by, order?.descending ?? false) : props.rows;
  return (
    <table class="table">
      <caption class="unseen">{props.caption}</caption>
      <thead>
        <tr>
          {props.columns.map((column) => (
            <Head key={column.key} column={column} order={order} setOrder={setOrder} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={props.rowKey(row)}>
            {props.columns.map((column) => (
              <td key={column.key} class={column.number ? "table-number" : undefined}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
        {rows.length === 0 && props.empty && (
          <tr>
            <td colSpan={props.columns.length}>{props.empty}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Head<Row>(props: {
  column: Column<Row>;
  order: { key: string; descending: boolean } | undefined;
  setOrder: (order: { key: string; descending: boolean }) => void;
}) {
  const { column, order, setOrder } = props;
  const mine = order?.key === column.key;
  const direction = order?.descending ? "descending" : "ascending";
  return (
    <th scope="col" class={column.number ? "table-number" : undefined} aria-sort={mine ? direction : undefined}>
      {column.sort ? (
        <button
          type="button"
          class="table-sort"
          onClick={() => setOrder({ key: column.key, descending: mine && !order.descending })}
        >
          {column.title}
          <span aria-hidden="true">{mine ? (order.descending ? " ▼" : " ▲") : ""}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}

function sorted<Row>(rows: readonly Row[], by: (row: Row) => string | number | bigint, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = by(a);
    const y = by(b);
    if (typeof x === "string" && typeof y === "string") {
      return sign * collator.compare(x, y);
    }
    return x < y ? -sign : x > y ? sign : 0;
  });
}
