package consumer

import (
	"regexp"
	"strings"
	"time"
)

// Source says which topics to read and what becomes of their records.
type Source struct {
	Name string
	// Topics by their names, or by a Pattern that fits the whole name; one of both.
	Topics  []string
	Pattern string
	// Start is where a topic of which nothing is stored or committed starts.
	Start Start
	// Mapping makes messages of records.
	Mapping Mapping
	// DeadLetter is the topic for records that cannot become messages; "": none.
	DeadLetter string
	// OnBadRecord says what becomes of them where there is no such topic.
	OnBadRecord OnBadRecord
	// One transaction takes at most so many messages and bytes of records, and
	// waits at most so long for more while records come in numbers. A single
	// record may exceed both.
	BatchRecords int
	BatchBytes   int
	Linger       time.Duration
}

// Start is a place in a partition.
type Start string

// The places.
const (
	Earliest Start = "earliest"
	Latest   Start = "latest"
)

// OnBadRecord is a way to deal with a record that cannot become a message.
type OnBadRecord string

// The ways.
const (
	Skip OnBadRecord = "skip" // log and count it
	Halt OnBadRecord = "stop" // the partition waits for an operator
)

// DefaultSource holds the settings that fit most: the channel is the record's key.
func DefaultSource() Source {
	return Source{
		Start:        Earliest,
		Mapping:      Mapping{Channel: "{{.Key}}", Format: Raw},
		OnBadRecord:  Halt,
		BatchRecords: 512,
		BatchBytes:   1 << 20,
		Linger:       2 * time.Millisecond,
	}
}

// maxBatchRecords bounds what a batch takes beside the bytes of its records.
const maxBatchRecords = 10_000

var legalTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (s Source) validate() *KeyError {
	switch {
	case len(s.Topics) == 0 && s.Pattern == "":
		return badKey("topics", "there is none; name topics, or give a pattern")
	case len(s.Topics) > 0 && s.Pattern != "":
		return badKey("pattern", "there are topics too; give one of both")
	case s.Start != Earliest && s.Start != Latest:
		return badKey("start", "%q is not one of earliest, latest", s.Start)
	case s.OnBadRecord != Skip && s.OnBadRecord != Halt:
		return badKey("on_bad_record", "%q is not one of skip, stop", s.OnBadRecord)
	case s.DeadLetter != "" && !legalTopic.MatchString(s.DeadLetter):
		return badKey("dead_letter", "%q cannot be the name of a topic", s.DeadLetter)
	case s.BatchRecords < 1 || s.BatchRecords > maxBatchRecords:
		return badKey("batch.records", "%d is not between 1 and %d", s.BatchRecords, maxBatchRecords)
	case s.BatchBytes < 1:
		return badKey("batch.bytes", "%d is too little; it has to be more than 0", s.BatchBytes)
	case s.Linger < 0 || s.Linger > time.Second:
		return badKey("batch.linger", "%s is not between 0 and 1s", s.Linger)
	}
	for _, topic := range s.Topics {
		if !legalTopic.MatchString(topic) {
			return badKey("topics", "%q cannot be the name of a topic; for several, give a pattern", topic)
		}
	}
	if _, err := regexp.Compile(s.Pattern); err != nil { // alone, so that the error shows it as it was given
		return badKey("pattern", "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	_, err := newMapper(s.Mapping)
	return err
}

// regexp fits the whole name of a topic.
func (s Source) regexp() (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + s.Pattern + `)$`)
}
