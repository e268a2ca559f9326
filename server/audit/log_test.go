package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/server/audit"
)

// record is what was written of an event.
type record struct {
	Time                                                time.Time
	Event, Side, Caller, Address, Method, Reason, Error string
	Request                                             json.RawMessage
	Count                                               int
}

// disk is where records go. It is slow while it is held.
type disk struct {
	sync.Mutex
	held bytes.Buffer
}

func (d *disk) Write(p []byte) (int, error) {
	d.Lock()
	defer d.Unlock()
	return d.held.Write(p)
}

// running is a log that runs, in a bubble of its own time.
type running struct {
	*audit.Log
	t    *testing.T
	disk disk
	stop func()
}

func run(t *testing.T) *running {
	r := &running{t: t}
	r.Log = audit.New(slog.NewJSONHandler(&r.disk, nil))
	ctx, cancel := context.WithCancel(t.Context())
	var ending sync.WaitGroup
	ending.Go(func() { r.Run(ctx) })
	r.stop = func() {
		cancel()
		ending.Wait()
	}
	t.Cleanup(r.stop)
	return r
}

// written takes the records that there are by now.
func (r *running) written() (all []record) {
	r.t.Helper()
	synctest.Wait()
	r.disk.Lock()
	defer r.disk.Unlock()
	for line := range strings.Lines(r.disk.held.String()) {
		var one record
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, one)
	}
	r.disk.held.Reset()
	return all
}

// only is the one record that there is.
func (r *running) only() record {
	r.t.Helper()
	all := r.written()
	if len(all) != 1 {
		r.t.Fatalf("there are %d records, want one: %+v", len(all), all)
	}
	return all[0]
}

// none wants that nothing was written.
func (r *running) none() {
	r.t.Helper()
	if all := r.written(); len(all) > 0 {
		r.t.Fatalf("there is %+v, want nothing", all)
	}
}

func counted(all []record) (n int) {
	for _, one := range all {
		n += one.Count
	}
	return n
}

var somewhere = netip.MustParseAddr("192.0.2.1")

// addresses are so many of IPv4, each of a network of its own.
func addresses(n int) (all []netip.Addr) {
	for i := range n {
		all = append(all, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	return all
}

// The first of a kind is there at once, what follows every 10 s, with its number.
func TestWhatIsRepeatedIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		for reason, tell := range map[string]func(){
			"failed": func() { r.Failed(audit.SideGRPC, somewhere, "failed") },
			"denied": func() { r.Denied("key:a", somewhere, "/a/B", "denied") },
		} {
			tell()
			if first := r.only(); first.Count != 1 || first.Reason != reason || first.Address != "192.0.2.1" || first.Side != "grpc" {
				t.Errorf("the first: %+v", first)
			}
			for range 7 {
				tell()
			}
			r.none()
			time.Sleep(20 * time.Second)
			if rest := r.only(); rest.Count != 7 || rest.Reason != reason || rest.Address != "192.0.2.1" {
				t.Errorf("the rest: %+v", rest)
			}
			time.Sleep(time.Minute)
			r.none()
			tell()
			if again := r.only(); again.Count != 1 {
				t.Errorf("a minute later: %+v", again)
			}
		}
	})
}

// Addresses of one /64 are one: it costs nothing to have all of them.
func TestNetworksCountAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		address := netip.MustParseAddr("2001:db8::1")
		for range 5000 {
			r.Failed(audit.SideGRPC, address, "x")
			r.Used("key:a", address)
			r.written()
			address = address.Next()
		}
		r.Failed(audit.SideWebSocket, address, "x")
		if other := r.only(); other.Address != address.String() || other.Side != audit.SideWebSocket {
			t.Errorf("another side: %+v", other)
		}
		time.Sleep(20 * time.Second)
		if rest := r.only(); rest.Event != "authentication_failed" || rest.Count != 4999 || rest.Address != "2001:db8::2" {
			t.Errorf("the rest: %+v", rest)
		}
	})
}

// Beyond the bound of a side everything is one kind, of which nothing is lost.
func TestManyAddressesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 6000
		r := run(t)
		for _, from := range addresses(flood) {
			r.Failed(audit.SideGRPC, from, "x")
		}
		all := r.written()
		if len(all) != 4097 {
			t.Errorf("%d records, want 4,096 and one for the others", len(all))
		}
		r.Failed(audit.SideWebSocket, somewhere, "x")
		if other := r.only(); other.Address != "192.0.2.1" {
			t.Errorf("another side: %+v", other)
		}
		time.Sleep(20 * time.Second)
		all = append(all, r.written()...)
		others := 0
		for _, one := range all {
			if one.Address == "(others)" {
				others += one.Count
			}
		}
		if counted(all) != flood || others != flood-4096 {
			t.Errorf("%d are counted, %d of them as others; want %d and %d", counted(all), others, flood, flood-4096)
		}
	})
}

// The use of a credential is recorded once an hour for each address.
func TestUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		for range 2 {
			r.Used("key:a", somewhere)
			if first := r.only(); first.Event != "credential_used" || first.Caller != "key:a" || first.Address != "192.0.2.1" {
				t.Errorf("the first: %+v", first)
			}
			for range 100 {
				r.Used("key:a", somewhere)
			}
			r.none()
			time.Sleep(time.Hour + time.Minute)
			r.none()
		}
		r.Used("key:a", netip.Addr{})
		if local := r.only(); local.Address != "local" {
			t.Errorf("by a Unix socket: %+v", local)
		}
	})
}

// One caller's uses hide nobody else's, and none of its own is lost.
func TestNobodyHidesUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 10_000
		r := run(t)
		for _, from := range addresses(flood) {
			r.Used("key:cheap", from)
			r.Used("token:"+from.String(), from)
		}
		count := map[string]int{}
		for _, one := range r.written() {
			count[one.Caller] += one.Count
		}
		r.Used("key:precious", somewhere)
		r.Used("certificate:precious", somewhere)
		for _, one := range r.written() {
			if one.Address != "192.0.2.1" || !strings.HasSuffix(one.Caller, ":precious") {
				t.Errorf("got %+v, want the precious ones", one)
			}
			count[one.Caller]++
		}
		time.Sleep(20 * time.Second)
		for _, one := range r.written() {
			if one.Address != "(others)" {
				t.Errorf("got %+v, want what was gathered", one)
			}
			count[one.Caller] += one.Count
		}
		if count["key:cheap"] != flood || count["token:(others)"] != flood-4096 || count["key:precious"] != 1 || count["certificate:precious"] != 1 {
			t.Errorf("counted are %v of the cheap one, %v of other tokens", count["key:cheap"], count["token:(others)"])
		}
	})
}

// One caller's forbidden calls hide nobody else's.
func TestNobodyHidesDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 10_000
		r := run(t)
		for _, from := range addresses(flood) {
			r.Denied("key:a", from, "/a/B", "x")
		}
		all := r.written()
		if len(all) > 65 {
			t.Errorf("%d records of one caller", len(all))
		}
		r.Denied("key:b", somewhere, "/a/B", "x")
		if other := r.only(); other.Caller != "key:b" || other.Method != "/a/B" {
			t.Errorf("another caller: %+v", other)
		}
		time.Sleep(20 * time.Second)
		if all = append(all, r.written()...); counted(all) != flood {
			t.Errorf("%d are counted, want %d", counted(all), flood)
		}
	})
}

// Nothing that somebody sends makes a record large.
func TestRecordsAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		long := strings.Repeat("ä", 1<<20)
		r.Failed(audit.SideGRPC, somewhere, long)
		r.Denied("token:"+long, somewhere, "/"+long, long)
		r.Used("token:"+long, somewhere)
		r.Operated("token:"+long, somewhere, "/"+long, &pb.PurgeChannelRequest{Channel: long}, codes.OK)
		r.Reloaded(nil, nil, errors.New(long))
		synctest.Wait()
		r.disk.Lock()
		for line := range strings.Lines(r.disk.held.String()) {
			if len(line) > 8<<10 {
				t.Errorf("a record has %d bytes", len(line))
			}
		}
		r.disk.Unlock()
		if all := r.written(); len(all) != 5 || strings.ContainsRune(fmt.Sprint(all), '\ufffd') {
			t.Errorf("%d records: %+v", len(all), all)
		}
	})
}

// Nobody waits for a slow disk who refuses strangers; nothing is lost meanwhile.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 3000
		r := run(t)
		r.disk.Lock()
		for _, from := range addresses(flood) {
			r.Failed(audit.SideGRPC, from, "x")
			r.Failed(audit.SideGRPC, from, "x")
		}
		r.disk.Unlock()
		all := r.written()
		r.stop()
		if all = append(all, r.written()...); counted(all) != 2*flood {
			t.Errorf("%d are counted, want %d", counted(all), 2*flood)
		}
	})
}

// What was gathered is written at the end, and what an operator does after all that came
// before it.
func TestEndOfLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		r.Failed(audit.SideAdmin, somewhere, "x")
		r.Used("key:a", somewhere)
		r.Operated("key:a", somewhere, "/a/B", &pb.DrainRequest{}, codes.OK)
		if all := r.written(); len(all) != 3 || all[2].Event != "operation" {
			t.Errorf("got %+v", all)
		}
		r.Failed(audit.SideAdmin, somewhere, "x")
		r.stop()
		if rest := r.only(); rest.Count != 1 {
			t.Errorf("got %+v", rest)
		}
	})
	var none *audit.Log
	none.Failed("", somewhere, "")
	none.Denied("", somewhere, "", "")
	none.Used("", somewhere)
	none.Operated("", somewhere, "", nil, codes.OK)
	none.Started()
	none.Run(t.Context())
}
