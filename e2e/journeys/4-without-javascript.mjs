import { agentTakesTicket, customerIsHelped, staleAnswer } from "../lib/flows.mjs";

export default async (t) => {
  await customerIsHelped(t, { js: false });
  await agentTakesTicket(t, { js: false });
  await staleAnswer(t, { js: false });
};
