import { create } from "@bufbuild/protobuf";
import { ParticipantKind, Protocol } from "@usher-cc/client/gen/common";
import { LineVisibility } from "@usher-cc/client/gen/conversation";
import { type TraceLine, TraceLineSchema } from "@usher-cc/client/gen/reporting";
import { describe, expect, it } from "vitest";
import { asText, label } from "./arrows.js";
import { layout, pageArrows, pageCount } from "./layout.js";

const at = Date.UTC(2026, 0, 2, 10, 1, 2, 3);
const server = { kind: ParticipantKind.SERVER };
const media = { kind: ParticipantKind.MEDIA, id: "media" };
const alice = { kind: ParticipantKind.AGENT, id: "alice" };
const report = { kind: ParticipantKind.REPORT };

type Init = Parameters<typeof create<typeof TraceLineSchema>>[1];
const line = (init: NonNullable<Init>, ms = 0): TraceLine =>
  create(TraceLineSchema, { protocol: Protocol.IM, timeMs: BigInt(at + ms), referenceId: "r1", ...init } as Init);

const submit = line({ sequence: 17n, from: media, to: [server], message: "RequestSubmit" });
const ack = line({ sequence: 17n, from: server, to: [media], message: "EventAck", answer: true, event: { message: { case: "eventAck", value: {} } } });
const placed = line({
  sequence: 19n, from: server, to: [report], message: "EventPlacedInQueue", protocol: Protocol.RPT,
  event: { message: { case: "eventPlacedInQueue", value: { queue: "inbound", vdn: "4001" } } },
});
const added = line(
  {
    sequence: 25n, from: server, to: [media, alice, report], message: "EventLineAdded", protocol: Protocol.ICM,
    event: { message: { case: "eventLineAdded", value: { line: { visibility: LineVisibility.AGENTS } } } },
  },
  2_500,
);

describe("layout", () => {
  it("puts participants in the order of their kinds, so far apart that labels fit", () => {
    const { lifelines } = layout([placed, added, submit]);
    expect(lifelines.map((l) => l.name)).toEqual(["media", "ixn", "alice", "report"]);
    const x = lifelines.map((l) => l.x);
    expect(x[3]! - x[1]!).toBeGreaterThan("EventPlacedInQueue (inbound via 4001) rpt".length * 6);
    expect([...x].sort((a, b) => a - b)).toEqual(x);
  });

  it("draws an arrow from the sender to each recipient, answers dashed", () => {
    const { arrows, lifelines } = layout([submit, ack, added]);
    const x = Object.fromEntries(lifelines.map((l) => [l.name, l.x]));
    expect(arrows.map((a) => a.kind)).toEqual(["request", "answer", "message"]);
    expect(arrows.map((a) => a.dashed)).toEqual([false, true, false]);
    expect(arrows[0]).toMatchObject({ from: x.media, to: [x.ixn], label: "RequestSubmit", protocol: "im" });
    expect(arrows[2]).toMatchObject({ from: x.ixn, to: [x.media, x.alice, x.report], agentsAlone: true });
    expect(arrows[2]!.labelX).toBe((x.media! + x.report!) / 2);
  });

  it("marks new times, and gaps of a second and more", () => {
    const { arrows, gaps } = layout([submit, ack, added]);
    expect(arrows.map((a) => a.newTime)).toEqual([true, false, true]);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ ms: 2_500, before: 2 });
    expect(gaps[0]!.y).toBeGreaterThan(arrows[1]!.y);
    expect(gaps[0]!.y).toBeLessThan(arrows[2]!.y);
  });

  it("shows a refused request and its answer, with the words", () => {
    const request = line({ sequence: 30n, from: alice, to: [server], message: "RequestAccept" });
    const refusal = line({
      sequence: 30n, from: server, to: [alice], message: "EventError", answer: true,
      event: { message: { case: "eventError", value: { name: "WrongTicket", description: "It was answered by bob." } } },
    });
    const { arrows, height } = layout([request, refusal]);
    expect(arrows.map((a) => a.kind)).toEqual(["refused", "refused"]);
    expect(arrows[1]).toMatchObject({ words: "It was answered by bob.", label: "EventError (WrongTicket)", dashed: true });
    expect(height).toBeGreaterThan(layout([submit, ack]).height);
    // An outcome that comes later refuses nothing: the request was carried out.
    const later = create(TraceLineSchema, { ...refusal, sequence: 40n });
    expect(layout([request, later]).arrows.map((a) => a.kind)).toEqual(["request", "refused"]);
  });

  it("draws what nobody hears as a note", () => {
    const { arrows } = layout([line({ sequence: 1n, from: server, to: [], message: "EventCustomReporting" })]);
    expect(arrows[0]).toMatchObject({ to: [], labelX: arrows[0]!.from });
  });

  it("is as wide as its labels, and empty for no lines", () => {
    const { lifelines, width } = layout([submit, placed]);
    expect(width).toBeGreaterThan(lifelines.at(-1)!.x);
    expect(layout([])).toMatchObject({ lifelines: [], arrows: [], gaps: [] });
  });

  it("goes on numbering on the next page", () => {
    expect(layout([submit, ack], 2_000).arrows.map((a) => a.index)).toEqual([2_000, 2_001]);
    expect([0, 1, pageArrows, pageArrows + 1].map(pageCount)).toEqual([1, 1, 1, 2]);
  });
});

describe("text", () => {
  it("is that of usher trace", () => {
    expect(asText([submit, ack, placed])).toBe(
      "media > ixn  RequestSubmit                                        im    #17 10:01:02.003\n" +
        "    ixn > media  EventAck                                         im    #17 10:01:02.003\n" +
        "    ixn > report  EventPlacedInQueue (inbound via 4001)           rpt   #19 10:01:02.003\n",
    );
  });

  it("names what tells messages of one name apart", () => {
    const invited = line({
      from: server, to: [report], message: "EventAgentInvited",
      event: { message: { case: "eventAgentInvited", value: { agentId: "alice", skill: "billing" } } },
    });
    expect(label(invited)).toBe("EventAgentInvited (alice for billing)");
    const other = line({ from: server, to: [report], message: "EventHeld", event: { reason: "lunch", message: { case: "eventHeld", value: {} } } });
    expect(label(other)).toBe("EventHeld (lunch)");
  });
});
