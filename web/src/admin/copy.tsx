import { useState } from "preact/hooks";
import { Button } from "../common/button.js";
import { t } from "./text.js";

/** CopyButton copies a text; where the browser does not allow it, the text is selected to be copied by hand. */
export function CopyButton(props: {
  text: string;
  /** The id of the control that shows the text. */
  from: string;
}) {
  const [told, setTold] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(props.text);
      setTold(t("copied"));
    } catch {
      const control = document.getElementById(props.from) as HTMLInputElement | HTMLTextAreaElement | null;
      control?.focus();
      control?.select();
      setTold(t("copyByHand"));
    }
  };
  return (
    <>
      <Button onClick={copy}>{t("copy")}</Button>
      <span role="status" class="soft">
        {told}
      </span>
    </>
  );
}
