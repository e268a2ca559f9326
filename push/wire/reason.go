package wire

// GapReason says why a subscriber will not get a range of messages.
type GapReason string

// The reasons of a Gap.
const (
	GapExpired GapReason = "expired" // older than the retention
	GapLimit   GapReason = "limit"   // over the retention limit
	GapEpoch   GapReason = "epoch"   // the client's position is of another numbering
	GapPurged  GapReason = "purged"  // deleted by an operator
	GapSlow    GapReason = "slow"    // dropped for a subscription that is not durable
)

// UnsubscribeReason says who closed a subscription, or why.
type UnsubscribeReason string

// The reasons of an Unsubscribed.
const (
	UnsubscribeClient    UnsubscribeReason = "client"
	UnsubscribeServer    UnsubscribeReason = "server"
	UnsubscribeForbidden UnsubscribeReason = "forbidden"
	UnsubscribeExpired   UnsubscribeReason = "expired"
)
