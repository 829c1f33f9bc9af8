import { staleAnswer } from "../lib/flows.mjs";
export default (t) => staleAnswer(t, { js: true });
