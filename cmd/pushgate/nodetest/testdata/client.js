// Subscribes to a channel, acks what comes, and checks that nothing is missing:
//   node client.js URL compressed|plain HOW-MANY
// It ends with 0 when all messages have come in order, each with the payload that
// its number asks for.
import { createHash } from "node:crypto"
import WebSocket from "ws"

const [url, mode, count] = process.argv.slice(2)
const compressed = mode === "compressed"
const ws = new WebSocket(url, "pushgate.v1.json", { perMessageDeflate: compressed, maxPayload: 0 })

let newest = 0
let pings = 0

function fail(text) {
  console.log(text)
  process.exit(1)
}

ws.on("open", () => {
  if ((ws.extensions !== "") !== compressed) fail(`extensions: ${ws.extensions}`)
  if (ws.protocol !== "pushgate.v1.json") fail(`protocol: ${ws.protocol}`)
})
ws.on("ping", () => pings++)
ws.on("error", (error) => fail(`error: ${error.message}`))
ws.on("close", (code, reason) => fail(`closed: ${code} ${reason}`))
ws.on("message", (data, binary) => {
  if (binary) fail("a binary frame")
  const frame = JSON.parse(data.toString())
  if (frame.type === "subscribed") {
    console.log("subscribed")
    setInterval(() => ws.ping(String(newest)), 5)
  }
  if (frame.type === "gap" || frame.type === "closing" || frame.type === "error") fail(data.toString())
  if (frame.type !== "message") return
  if (frame.seq !== ++newest) fail(`seq ${frame.seq} where ${newest} was to come`)
  const digest = createHash("sha256").update(frame.data.text).digest("hex")
  if (digest !== frame.data.sha256) fail(`message ${frame.seq} was changed on its way`)
  if (newest % 50 === 0 || newest === Number(count)) {
    ws.send(JSON.stringify({ type: "ack", channel: frame.channel, seq: newest }))
  }
  if (newest !== Number(count)) return
  // After the answer the ack has been worked on; then the closing handshake.
  ws.send(JSON.stringify({ type: "ping", id: 1 }))
  ws.removeAllListeners("close")
  ws.on("close", (code) => {
    console.log(`all ${newest}, ${pings > 0 ? "with" : "without"} pings, closed ${code}`)
    process.exit(code === 1000 ? 0 : 1)
  })
  ws.on("message", (answer) => {
    if (JSON.parse(answer.toString()).type === "pong") ws.close(1000)
  })
})
