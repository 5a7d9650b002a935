import { Page, show } from "../common/page.js";
import { t } from "./text.js";

show(() => <Page title={t("title")} />);
