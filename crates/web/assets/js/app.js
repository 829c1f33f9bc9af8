// The page works without any of this; each module makes one thing livelier.
import { startFeedback } from "./feedback.js";
import { startTimes } from "./time.js";
import { startPrefetch } from "./prefetch.js";
import { startConfirm } from "./confirm.js";
import { startLive } from "./live.js";
import { startComposers } from "./composer.js";
import { startPresence } from "./presence.js";
import { startKeys } from "./keys.js";
import { startSelection } from "./select.js";
import { startViews } from "./views.js";
import { startPalette } from "./palette.js";
import { startBoard } from "./board.js";
import { startRows } from "./rows.js";

startFeedback();
startTimes();
startPrefetch();
startConfirm();
startComposers();
startPresence();
startKeys();
startSelection();
startViews();
startPalette();
startBoard();
startRows();
startLive();
