// Holds the browser's one event stream and tells every open tab what it hears. A page is older than its place in here:
// what happened between the two is told when it comes.
const BEFORE_PAGE = 2_000; // what was being committed while the page was read
const REMEMBERED = 256;
const ports = new Set();
let stream = null;
let broken = false;
let heard = [];
let complete = Infinity; // from this instant of the server on `heard` lacks nothing

function tell(change) {
  heard.push(change);
  if (heard.length > REMEMBERED) complete = Math.max(complete, Date.parse(heard.shift().at) + 1);
  for (const port of ports) port.postMessage(change);
}

function open(url, since) {
  stream = new EventSource(since ? `${url}?since=${encodeURIComponent(since)}` : url);
  stream.addEventListener("begun", (event) => {
    heard = [];
    complete = Date.parse(JSON.parse(event.data).at);
    // What happened while the stream was away is not known: let every tab look again.
    if (broken) for (const port of ports) port.postMessage({ topic: "resync" });
    broken = false;
  });
  stream.addEventListener("change", (event) => tell(JSON.parse(event.data)));
  stream.addEventListener("error", () => { broken = true; });
}

function join(port, { open: url, since }) {
  ports.add(port);
  if (!stream || stream.readyState === EventSource.CLOSED) return open(url, since);
  if (!since) return; // it looks again by itself
  const from = Date.parse(since) - BEFORE_PAGE;
  if (from < complete) port.postMessage({ topic: "resync" });
  else heard.filter(({ at }) => Date.parse(at) >= from).forEach((change) => port.postMessage(change));
}

function leave(port) {
  ports.delete(port);
  if (ports.size > 0) return;
  stream?.close();
  stream = null;
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.open) join(port, data);
    if (data.close) leave(port);
  };
};
