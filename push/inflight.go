package push

// inflight is what a durable subscription has sent and the client has not acked:
// runs of consecutive seqs with their bytes. What a gap or an expired message
// skips is between the runs and counts for nothing, so a client that acks only
// messages never blocks its own window. Guarded by its session's lock.
type inflight struct {
	runs     []run
	messages uint64
	bytes    int
}

type run struct {
	first, last uint64
	bytes       int
}

// runBytes closes a run, so that acks free bytes in steps no coarser than this.
const runBytes = 64 << 10

func (f *inflight) sent(seq uint64, bytes int) {
	f.messages++
	f.bytes += bytes
	if n := len(f.runs); n > 0 {
		if tail := &f.runs[n-1]; tail.last+1 == seq && tail.bytes < runBytes {
			tail.last, tail.bytes = seq, tail.bytes+bytes
			return
		}
	}
	f.runs = append(f.runs, run{first: seq, last: seq, bytes: bytes})
}

// acked forgets everything up to seq. The bytes of a run that is acked in part
// are taken off in proportion.
func (f *inflight) acked(seq uint64) {
	done := 0
	for done < len(f.runs) && f.runs[done].last <= seq {
		f.messages -= f.runs[done].last - f.runs[done].first + 1
		f.bytes -= f.runs[done].bytes
		done++
	}
	f.runs = f.runs[:copy(f.runs, f.runs[done:])]
	if len(f.runs) == 0 || f.runs[0].first > seq {
		return
	}
	head := &f.runs[0]
	count, gone := head.last-head.first+1, seq-head.first+1
	bytes := int(uint64(head.bytes) * gone / count)
	head.first, head.bytes = seq+1, head.bytes-bytes
	f.messages -= gone
	f.bytes -= bytes
}
