package crashtest

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/store/postgres/pgtest"
)

// startTwo starts two nodes on an empty database at once: both migrate it.
func startTwo(t *testing.T, args ...string) (a, b *node) {
	t.Helper()
	url := pgtest.New(t)
	var servers [2]*pushgatetest.Server
	var starting sync.WaitGroup
	for i, name := range []string{"a", "b"} {
		starting.Go(func() {
			servers[i] = pushgatetest.Start(t, pushgatetest.Command{
				Args: append([]string{"--node", name, "--store-url", url, "--sweep-interval", "100ms"}, args...),
			})
		})
	}
	starting.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return dialNode(t, servers[0]), dialNode(t, servers[1])
}

func TestTwoNodesShareOneOrder(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	a, b := startTwo(t)
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	names := []string{"ada", "bob"}
	for _, name := range names {
		a.subscription(name, channels...)
	}
	ada := follow(t, a.socket, "ada", chance.generator())
	bob := follow(t, b.socket, "bob", chance.generator())
	ada.waitConnected(1)
	bob.waitConnected(1)

	var all []*publisher
	for i, n := range []*node{a, b, a, b} {
		by := unary(n.publish)
		if i > 1 {
			by = stream(n.publish)
		}
		all = append(all, &publisher{
			t: t, name: fmt.Sprintf("%s%d", by.name, i), ledger: l, channels: channels, by: by,
			random: chance.generator(), padding: 100,
		})
	}
	finish := press(t, all...)
	l.waitPublished(load(5000))
	finish()
	l.verifyStored(a)
	l.verifyStored(b)
	for _, r := range []*receiver{ada, bob} {
		l.verifyReceived(r)
		r.noGaps()
	}
}

func TestOneMessageIDAtTwoNodesIsStoredOnce(t *testing.T) {
	t.Parallel()
	a, b := startTwo(t)
	const messages, tries = 50, 2
	for m := range messages {
		var answers [2 * tries]*pb.PublishResponse
		var publishing sync.WaitGroup
		for i := range answers {
			publishing.Go(func() {
				client := []pb.PublishServiceClient{a.publish, b.publish}[i%2]
				r, err := client.Publish(limited(t), &pb.PublishRequest{
					Channel: "news", MessageId: fmt.Sprintf("m%d", m), Data: fmt.Appendf(nil, "%d", i),
				}, grpc.WaitForReady(true))
				if err != nil {
					t.Error(err)
				}
				answers[i] = r
			})
		}
		publishing.Wait()
		first := 0
		for _, r := range answers {
			if r.GetSeq() != uint64(m+1) {
				t.Fatalf("message %d was answered with seq %d", m+1, r.GetSeq())
			}
			if !r.GetDuplicate() {
				first++
			}
		}
		if first != 1 {
			t.Fatalf("message %d: %d of %d publishes were the first", m+1, first, len(answers))
		}
	}
	if newest := a.newest("news"); newest != messages {
		t.Errorf("%d messages are stored, want %d", newest, messages)
	}
}

func TestSubscriberMovesBetweenNodes(t *testing.T) {
	t.Parallel()
	a, b := startTwo(t)
	a.subscription("ada", "news")
	for range 20 {
		a.send("news", `"at a"`)
	}
	receipts := a.watchDeliveries("news")
	first := dial(t, a.socket+"?subscriber=ada")
	first.expect("connected")
	first.messages("news", 1, 20)
	first.ack("news", 7)
	receipts.acked("ada", 7)
	_ = first.socket.CloseNow()

	receipts = b.watchDeliveries("news")
	second := dial(t, b.socket+"?subscriber=ada")
	second.expect("connected")
	second.messages("news", 8, 20)
	// What another node stores comes by the sweep.
	for range 10 {
		a.send("news", `"at a"`)
	}
	second.messages("news", 21, 30)
	second.ack("news", 25)
	receipts.acked("ada", 25)
	_ = second.socket.CloseNow()

	receipts = a.watchDeliveries("news")
	third := dial(t, a.socket+"?subscriber=ada")
	third.expect("connected")
	third.messages("news", 26, 30)
	a.send("news", `"the last words of a"`)
	third.messages("news", 31, 31)
	third.ack("news", 28)
	receipts.acked("ada", 28)
	a.Kill()

	fourth := dial(t, b.socket+"?subscriber=ada")
	fourth.expect("connected")
	fourth.messages("news", 29, 31)
	b.send("news", `"at b"`)
	fourth.messages("news", 32, 32)
}

func TestNodeDiesUnderLoadAndItsSubscribersMove(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	a, b := startTwo(t)
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	a.subscription("ada", channels...)
	a.subscription("bob", channels...)
	ada := follow(t, a.socket, "ada", chance.generator())
	bob := follow(t, b.socket, "bob", chance.generator())
	finish := press(t, append(crowd(t, l, a, chance, channels), &publisher{
		t: t, name: "b", ledger: l, channels: channels, by: unary(b.publish), random: chance.generator(),
	})...)
	for range 3 {
		l.waitPublished(300)
		before := ada.times()
		ada.moveTo(b.socket)
		a.Kill()
		ada.waitConnected(before + 1)
		l.waitPublished(50)
		before = ada.times()
		ada.moveTo(a.socket)
		a.Restart()
		ada.drop()
		ada.waitConnected(before + 1)
	}
	finish()
	l.verifyStored(b)
	for _, r := range []*receiver{ada, bob} {
		l.verifyReceived(r)
		r.noGaps()
	}
}

// A node that stood still, and goes on as if nothing had happened, moves no
// cursor back and stores nothing twice.
func TestNodeStandsStillAndGoesOn(t *testing.T) {
	t.Parallel()
	chance := newChance(t)
	a, b := startTwo(t, "--store-timeout", "2s")
	l := newLedger(t)
	channels := []string{"news", "orders:1"}
	a.subscription("ada", channels...)
	a.subscription("bob", channels...)
	ada := follow(t, a.socket, "ada", chance.generator())
	bob := follow(t, b.socket, "bob", chance.generator())
	ada.waitConnected(1)
	crowd := append(crowd(t, l, a, chance, channels), &publisher{
		t: t, name: "b", ledger: l, channels: channels, by: unary(b.publish), random: chance.generator(),
	})
	for _, p := range crowd {
		// A transaction that was open when the node stood still may have been ended.
		p.unordered = p.by.most > 1
	}
	finish := press(t, crowd...)
	t.Cleanup(func() { a.Signal(syscall.SIGCONT) })
	for range 3 {
		l.waitPublished(load(300))
		before := ada.times()
		a.Signal(syscall.SIGSTOP)
		ada.moveTo(b.socket)
		ada.drop()
		ada.waitConnected(before + 1)
		l.waitPublished(load(200))
		a.Signal(syscall.SIGCONT)
		l.waitPublished(load(200))
		ada.moveTo(a.socket)
		ada.drop()
		ada.waitConnected(before + 2)
	}
	finish()
	l.verifyStored(a)
	for _, r := range []*receiver{ada, bob} {
		l.verifyReceived(r)
		b.verifyAcks(r, channels)
		r.noGaps()
	}
}
