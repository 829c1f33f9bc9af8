// Holds the browser's one event stream and tells every open tab what it hears.
const ports = new Set();
let stream = null;
let broken = false;

function tell(change) {
  for (const port of ports) port.postMessage(change);
}

function open(url) {
  if (stream && stream.readyState !== EventSource.CLOSED) return;
  stream = new EventSource(url);
  stream.addEventListener("change", (event) => tell(JSON.parse(event.data)));
  stream.addEventListener("open", () => {
    // What happened while the stream was away is not known: let every tab look again.
    if (broken) tell({ topic: "resync" });
    broken = false;
  });
  stream.addEventListener("error", () => { broken = true; });
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.open) {
      ports.add(port);
      open(data.open);
    }
    if (data.close) {
      ports.delete(port);
      if (ports.size === 0) { stream?.close(); stream = null; }
    }
  };
};
