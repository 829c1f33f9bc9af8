import { agentTakesTicket } from "../lib/flows.mjs";
export default (t) => agentTakesTicket(t, { js: true });
