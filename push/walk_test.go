package push

import (
	"testing"
	"time"
)

// A client is told once that its token expires, however far away that is.
func TestTheNoticeOfExpiry(t *testing.T) {
	e := startEngine(t, openStore(t))
	now := time.Now()
	for name, test := range map[string]struct {
		expires  time.Time
		at       []time.Duration // from now
		told     int
		finished bool
	}{
		"far away":        {now.Add(time.Hour), []time.Duration{0, time.Second, 2 * time.Second}, 0, false},
		"the year 2286":   {time.Unix(9_999_999_999, 0), []time.Duration{0, time.Second, 2 * time.Second}, 0, false},
		"the year 9999":   {time.Unix(253_402_300_799, 0), []time.Duration{0, time.Second, 2 * time.Second}, 0, false},
		"never":           {time.Time{}, []time.Duration{0, time.Second}, 0, false},
		"within a minute": {now.Add(30 * time.Second), []time.Duration{0, time.Second, 29*time.Second + 999999*time.Microsecond}, 1, false},
		"it is over":      {now.Add(30 * time.Second), []time.Duration{0, time.Second, 31 * time.Second}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			grant := Grant{Subscriber: "ada", Access: everything{}, Expires: test.expires}
			p := connect(t, e, Connection{Authentication: &Authentication{Grant: &grant, Notice: time.Minute}})
			p.session.DrainFrames(nil, 1<<20) // connected
			told := 0
			for _, after := range test.at {
				p.session.Walk(now.Add(after))
				frames, _, _ := p.session.DrainFrames(nil, 1<<20)
				told += len(frames)
			}
			if finished := p.session.Ending() != 0; finished != test.finished {
				t.Errorf("it is over: %v", finished)
			}
			if test.finished {
				told-- // closing
			}
			if told != test.told {
				t.Errorf("it was told %d times", told)
			}
		})
	}
}
