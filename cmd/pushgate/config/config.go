package config

// Config holds all settings but the namespaces, the callers and the sources of Kafka,
// which only a file can give. The
// tag name is the flag; with the prefix of its group it is the YAML key too. Those
// with reload:"live" can change while the process runs.
type Config struct {
	Node    string `name:"node" placeholder:"NAME" help:"Name of this process; clients and operators see it. Empty: the host's name."`
	DataDir string `name:"data-dir" placeholder:"DIR" default:"./pushgate-data" help:"Where the embedded store keeps its database, pushgate.db. Created if it is missing. Not used with a store.url."`

	Log        Log        `embed:"" prefix:"log-"`
	HTTP       HTTP       `embed:"" prefix:"http-"`
	GRPC       GRPC       `embed:"" prefix:"grpc-"`
	Admin      Admin      `embed:"" prefix:"admin-"`
	Auth       Auth       `embed:"" prefix:"auth-"`
	Token      Token      `embed:"" prefix:"token-"`
	Authorizer Authorizer `embed:"" prefix:"authorizer-"`
	Store      Store      `embed:"" prefix:"store-"`
	Heartbeat  Heartbeat  `embed:"" prefix:"heartbeat-"`
	Limits     Limits     `embed:"" prefix:"limits-"`
	Ring       Ring       `embed:"" prefix:"ring-"`
	Ingest     Ingest     `embed:"" prefix:"ingest-"`
	Shutdown   Shutdown   `embed:"" prefix:"shutdown-"`
	Kafka      Kafka      `embed:"" prefix:"kafka-"`

	SweepInterval     Duration `name:"sweep-interval" placeholder:"DURATION" default:"1s" min:"1" help:"How often channels with subscribers are compared with the store, to heal a hint that was lost."`
	RetentionInterval Duration `name:"retention-interval" placeholder:"DURATION" default:"10s" min:"1" help:"How often what is past its retention is deleted."`
}

// Log says what is logged to standard error.
type Log struct {
	Level  string `name:"level" enum:"debug,info,warn,error" default:"info" help:"The least severe messages that are logged: debug, info, warn or error." reload:"live"`
	Format string `name:"format" enum:"text,json" default:"text" help:"The form of the log: text or json."`
	Audit  string `name:"audit" placeholder:"FILE" default:"log" help:"Where to record who failed to show who it is, who called, and what operators did: a file (JSON, a line each; opened anew by a reload), log, whatever log.level is, or off."`
}

// HTTP is the listener for WebSockets, health and metrics.
type HTTP struct {
	Address          string   `name:"address" placeholder:"HOST:PORT" default:"127.0.0.1:8080" help:"Where to listen for WebSockets (/ws), health (/healthz, /readyz) and, while only this machine reaches it and there is neither admin.address nor http.trusted_proxies, metrics (/metrics): HOST:PORT, or unix:PATH for a Unix socket. A socket that systemd passes by the name http is used instead."`
	SocketMode       Mode     `name:"socket-mode" placeholder:"MODE" default:"0660" help:"The permissions of the Unix socket, in octal digits."`
	ReusePort        bool     `name:"reuse-port" default:"false" help:"Let another process listen on the same port (SO_REUSEPORT), for a restart without refused connections."`
	SendBuffer       Size     `name:"send-buffer" placeholder:"SIZE" default:"64KiB" max:"1073741824" help:"What the kernel holds for a TCP connection that is to be sent (SO_SNDBUF). 0: the kernel decides, and holds megabytes for a client that does not read."`
	KeepAlive        Duration `name:"keep-alive" placeholder:"DURATION" default:"0s" help:"After how long without traffic TCP probes a connection. 0: it does not; the heartbeats find connections that are dead."`
	TLSCertificate   string   `name:"tls-certificate" placeholder:"FILE" help:"The certificate with its chain, in PEM: the listener then speaks TLS (1.2 or later) only. It is read again when it changes."`
	TLSKey           string   `name:"tls-key" placeholder:"FILE" help:"The private key of the certificate, in PEM."`
	AllowedOrigins   []string `name:"allowed-origins" placeholder:"ORIGIN" help:"Origins of web pages that may connect, beside the server's own, as https://app.example.com; null stands for pages that have none, * for any." reload:"live"`
	HandshakeTimeout Duration `name:"handshake-timeout" placeholder:"DURATION" default:"10s" min:"1" help:"How long a client may take for its request to connect."`
	MaxHeader        Size     `name:"max-header" placeholder:"SIZE" default:"16KiB" min:"1024" help:"The largest header of a request; 4 KiB are added."`
	TrustedProxies   []string `name:"trusted-proxies" placeholder:"ADDRESS" help:"Proxies that are believed what they say of their clients' addresses: addresses, networks as 10.0.0.0/8, or unix for peers of Unix sockets."`
	ForwardedHeader  string   `name:"forwarded-header" enum:"auto,x-forwarded-for,forwarded" default:"auto" help:"Where trusted proxies say it: x-forwarded-for, forwarded (RFC 7239), or auto: the one that is there; where both are and disagree, the proxy counts as the client."`
	ProxyProtocol    bool     `name:"proxy-protocol" default:"false" help:"Trusted proxies begin each connection with a header of the PROXY protocol, version 1 or 2. One of theirs without it is closed; others do without it."`
	Poller           string   `name:"poller" enum:"auto,epoll,runtime" default:"auto" help:"How connections from which nothing comes are waited for: epoll keeps nothing but an entry in the kernel's list (Linux; not for TLS), runtime a goroutine each, auto: epoll where it is there."`
	Pprof            string   `name:"pprof" enum:"auto,on,off" default:"auto" help:"Profiles under /debug/pprof, beside the metrics: on, off, or auto: on admin.address when only this machine reaches that, on http.address in the development mode only, without token.* and authorizer.connect."`

	Compression            bool `name:"compression" default:"false" help:"Offer permessage-deflate (RFC 7692). Each message is compressed once, however many get it; without context takeover, so a connection needs no memory for it."`
	CompressionLevel       int  `name:"compression-level" placeholder:"N" default:"6" min:"1" max:"9" help:"From 1, the fastest, to 9, the smallest."`
	CompressionThreshold   Size `name:"compression-threshold" placeholder:"SIZE" default:"1KiB" min:"1" help:"The smallest frame that is compressed."`
	CompressionConcurrency int  `name:"compression-concurrency" placeholder:"N" default:"0" min:"0" help:"How many messages are compressed at the same time; where more wait than about a millisecond's work, they go out as they are. 0: half of the processors, at least one."`
}

// GRPC is the listener for backends and operators.
type GRPC struct {
	Address              string `name:"address" placeholder:"HOST:PORT" default:"127.0.0.1:9090" help:"Where to listen for gRPC: HOST:PORT, or unix:PATH for a Unix socket. A socket that systemd passes by the name grpc is used instead."`
	SocketMode           Mode   `name:"socket-mode" placeholder:"MODE" default:"0660" help:"The permissions of the Unix socket, in octal digits."`
	ReusePort            bool   `name:"reuse-port" default:"false" help:"As http.reuse_port."`
	TLSCertificate       string `name:"tls-certificate" placeholder:"FILE" help:"As http.tls_certificate."`
	TLSKey               string `name:"tls-key" placeholder:"FILE" help:"The private key of the certificate, in PEM."`
	TLSClientCA          string `name:"tls-client-ca" placeholder:"FILE" help:"Authorities, in PEM: whoever connects needs a certificate that one of them has signed."`
	TLSClientCertificate string `name:"tls-client-certificate" enum:"required,optional" default:"required" help:"Whether a certificate is needed, or only looked at where a caller has one: required or optional."`
	InsecurePlaintext    bool   `name:"insecure-plaintext" default:"false" help:"Take keys and tokens without TLS on an address that others reach, where the network encrypts what goes over it. Who can listen there can use them."`
	Tokens               bool   `name:"tokens" default:"false" help:"Callers may show tokens (JWT) that the keys of token.* verify; the claim scope says what they may do."`
	MaxMessage           Size   `name:"max-message" placeholder:"SIZE" default:"16MiB" min:"1" help:"The largest request; a batch counts as one."`
	Reflection           bool   `name:"reflection" default:"true" negatable:"" help:"Tell tools such as grpcurl which services there are."`
}

// Auth says who may do what.
type Auth struct {
	InsecureDevelopmentOnAnyAddress bool `name:"insecure-development-on-any-address" default:"false" help:"Start although an address is not loopback. Without authentication whoever reaches the addresses may publish, and may read as any subscriber."`
}

// Store is the database.
type Store struct {
	URL            string   `name:"url" placeholder:"URL" help:"postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:PATH. Empty: SQLite in data_dir. PGPASSWORD, PGPASSFILE and the other variables of PostgreSQL's clients are honoured."`
	Connections    int      `name:"connections" placeholder:"N" default:"0" help:"Connections to PostgreSQL, or readers of SQLite. 0: 16 and 4."`
	Timeout        Duration `name:"timeout" placeholder:"DURATION" default:"5s" min:"1" help:"How long one call may take."`
	ConnectTimeout Duration `name:"connect-timeout" placeholder:"DURATION" default:"60s" min:"1" help:"How long to wait at the start for a PostgreSQL that does not answer."`
	Migrate        bool     `name:"migrate" default:"true" negatable:"" help:"Bring the schema to this program's version at the start. Otherwise: pushgate migrate."`
	SQLiteRelaxed  bool     `name:"sqlite-relaxed" default:"false" help:"Commit to SQLite without waiting for the disk: faster, but a power cut may lose messages that were answered as stored."`
}

// Heartbeat finds connections that are dead.
type Heartbeat struct {
	Interval Duration `name:"interval" placeholder:"DURATION" default:"25s" min:"1000000000" help:"Between two pings to each client; at least a second."`
	Timeout  Duration `name:"timeout" placeholder:"DURATION" default:"10s" min:"1" help:"How long a client may take to answer one."`
}

// Limits bound who gets in, and what one publisher, connection or subscription
// can take.
type Limits struct {
	Connections              int      `name:"connections" placeholder:"N" default:"0" min:"0" help:"Connections of clients, WebSocket and gRPC. 0: what memory and open files allow; the log says at the start how many that is, and why." reload:"live"`
	ConnectionsPerSubscriber int      `name:"connections-per-subscriber" placeholder:"N" default:"1000" min:"0" help:"Those of one subscriber. 0: no bound." reload:"live"`
	ConnectionsPerAddress    int      `name:"connections-per-address" placeholder:"N" default:"0" min:"0" help:"WebSocket connections from one client address, or one /64 network of IPv6. 0: no bound. Behind proxies set http.trusted_proxies first." reload:"live"`
	AcceptRate               int      `name:"accept-rate" placeholder:"N" default:"0" min:"0" help:"New connections in a second; as many may come at once. 0: 5,000 for each processor." reload:"live"`
	Handshakes               int      `name:"handshakes" placeholder:"N" default:"0" min:"0" help:"HTTP sockets that are not connections: the request has not come yet, or they are kept alive. 0: an eighth of the open files, at most 8,192."`
	GRPCSockets              int      `name:"grpc-sockets" placeholder:"N" default:"0" min:"0" help:"Sockets of the gRPC listener; half of them, at most 1,024, may be of those who have not shown yet who they are. 0: a sixteenth of the open files and of the memory (128 KiB each), from 128 to 8,192."`
	MemoryHigh               int      `name:"memory-high" placeholder:"PERCENT" default:"85" min:"20" max:"100" help:"From which part of the memory on new connections are refused, until 10 % less are in use. The memory is GOMEMLIMIT, or 90 % of the control group's limit or of the machine."`
	MaxPayload               Size     `name:"max-payload" placeholder:"SIZE" default:"1MiB" min:"1" help:"The largest payload of a message." reload:"live"`
	MaxFrame                 Size     `name:"max-frame" placeholder:"SIZE" default:"64KiB" min:"1" help:"The largest frame that a WebSocket client may send."`
	OutboxBytes              Size     `name:"outbox-bytes" placeholder:"SIZE" default:"1MiB" min:"1" help:"What may be queued for one connection. A durable subscription beyond it goes on from the store, another is told of a gap."`
	OutboxMessages           int      `name:"outbox-messages" placeholder:"N" default:"16384" min:"1" help:"The same, in messages."`
	OutboxTotalBytes         Size     `name:"outbox-total-bytes" placeholder:"SIZE" default:"0" min:"0" help:"Memory that the queues of all connections may take; messages that connections share count once. The more of it is used, the less each may hold. 0: what the machine holds; the node says so at the start."`
	ClientFrames             int      `name:"client-frames" placeholder:"N" default:"10000" min:"0" help:"Frames that one client may send in a second; who sends more is read more slowly. 0: any number." reload:"live"`
	ClientBytes              Size     `name:"client-bytes" placeholder:"SIZE" default:"8MiB" min:"0" help:"The same, in bytes. 0: any number." reload:"live"`
	ClientPatience           Duration `name:"client-patience" placeholder:"DURATION" default:"1m" min:"1" help:"A client that sends more than that for so long without a break is closed (4429)." reload:"live"`
	EgressBytes              Size     `name:"egress-bytes" placeholder:"SIZE" default:"0" min:"0" help:"What is sent on one WebSocket connection in a second. 0: no bound."`
	EgressTotalBytes         Size     `name:"egress-total-bytes" placeholder:"SIZE" default:"0" min:"0" help:"The same, on all together."`
	SlowRequest              Duration `name:"slow-request" placeholder:"DURATION" default:"10ms" min:"1" help:"A client's request that takes longer is counted and logged (at most one a second)." reload:"live"`
	Idle                     Duration `name:"idle" placeholder:"DURATION" default:"30s" min:"1" help:"After so long without traffic a connection counts as idle and gives back memory."`
	WindowBytes              Size     `name:"window-bytes" placeholder:"SIZE" default:"4MiB" min:"1" help:"What may be sent and unacked on one durable subscription." reload:"live"`
	Subscriptions            int      `name:"subscriptions" placeholder:"N" default:"10000" min:"1" help:"Open subscriptions of one connection." reload:"live"`
}

// Ring is the memory of recent messages.
type Ring struct {
	Messages   int      `name:"messages" placeholder:"N" default:"256" min:"1" help:"The newest messages of a channel that are kept in memory."`
	Bytes      Size     `name:"bytes" placeholder:"SIZE" default:"256KiB" min:"1" help:"The same, in bytes."`
	TotalBytes Size     `name:"total-bytes" placeholder:"SIZE" default:"128MiB" min:"1" help:"The same, over all channels."`
	Idle       Duration `name:"idle" placeholder:"DURATION" default:"1m" min:"1" help:"After so long without a new message a channel's are no longer kept in memory."`
}

// Ingest is the way of messages into the store.
type Ingest struct {
	Committers int  `name:"committers" placeholder:"N" default:"2" min:"1" help:"How many batches are committed at the same time."`
	Messages   int  `name:"messages" placeholder:"N" default:"16384" min:"1" help:"Messages that may wait for their commit; then publishes are refused with RESOURCE_EXHAUSTED."`
	Bytes      Size `name:"bytes" placeholder:"SIZE" default:"64MiB" min:"1" help:"The same, in bytes. Each committer's share has to hold one payload."`
}

// Shutdown is what SIGTERM begins.
type Shutdown struct {
	Delay   Duration `name:"delay" placeholder:"DURATION" default:"0s" help:"How long to wait between not being ready any more and the first connection that is closed, so that load balancers notice first. New WebSockets are refused from the beginning; gRPC goes on being served." reload:"live"`
	Drain   Duration `name:"drain" placeholder:"DURATION" default:"5s" help:"The time over which connections are closed, so that their clients do not come back all at once." reload:"live"`
	Timeout Duration `name:"timeout" placeholder:"DURATION" default:"20s" min:"1" help:"When to give up on an orderly end, from its beginning. Has to be longer than shutdown.delay and shutdown.drain together." reload:"live"`
}
