//go:build linux

package benchtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push/wire"
)

// envReference names the variable that makes the test program a reference server.
const envReference = "PUSHGATE_BENCH_REFERENCE"

// The references. Each is the least that a server for the same clients can be:
// live messages only, no limits, no checks.
const (
	// oneWrite writes each frame to each connection by a write of its own, in a loop.
	oneWrite = "one write a frame"
	// tenAWrite has a queue for each connection, and writers that put up to ten
	// frames into one write, as common push servers do.
	tenAWrite = "ten frames a write"
)

// framesAWrite is how many of them tenAWrite puts into one.
const framesAWrite = 10

// maxQueue is how many frames may wait for a connection of tenAWrite; then
// publishers wait.
const maxQueue = 16384

// reference is the server of a reference process.
type reference struct {
	pb.UnimplementedPublishServiceServer

	mode    string
	dirty   chan *peer
	mu      sync.RWMutex
	members map[string][]*peer
}

// peer is one connection to it.
type peer struct {
	net.Conn
	mu    sync.Mutex
	room  *sync.Cond
	queue [][]byte
	// scheduled: it is in dirty, or a writer is at it.
	scheduled bool
}

// serveReference runs until standard input ends.
func serveReference(mode string) (code int) {
	r := &reference{mode: mode, members: make(map[string][]*peer), dirty: make(chan *peer, 1<<20)}
	sockets, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		var calls net.Listener
		if calls, err = net.Listen("tcp", "127.0.0.1:0"); err == nil {
			err = r.serve(sockets, calls)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (r *reference) serve(sockets, calls net.Listener) error {
	server := grpc.NewServer()
	pb.RegisterPublishServiceServer(server, r)
	go func() { _ = server.Serve(calls) }()
	go r.accept(sockets)
	if r.mode == tenAWrite {
		for range runtime.GOMAXPROCS(0) {
			go r.write()
		}
	}
	if _, err := fmt.Println(sockets.Addr(), calls.Addr()); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func (r *reference) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			_ = conn.Close()
			continue
		}
		// The clients here do not check the key. They wait for two frames.
		greeting := append(wire.Encode(wire.Connected{}).Bytes, wire.Encode(wire.Subscribed{}).Bytes...)
		_, _ = fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = conn.Write(greeting)
		p := &peer{Conn: conn}
		p.room = sync.NewCond(&p.mu)
		channel := request.URL.Query().Get("channel")
		r.mu.Lock()
		r.members[channel] = append(r.members[channel], p)
		r.mu.Unlock()
	}
}

// Publish hands a message to everybody who is online.
func (r *reference) Publish(_ context.Context, request *pb.PublishRequest) (*pb.PublishResponse, error) {
	frame := wire.Encode(&wire.Message{
		Channel: request.GetChannel(), Data: request.GetData(), ID: request.GetMessageId(), TimeMillis: time.Now().UnixMilli(),
	}).Bytes
	r.mu.RLock()
	members := r.members[request.GetChannel()]
	r.mu.RUnlock()
	for _, p := range members {
		if r.mode == tenAWrite {
			r.enqueue(p, frame)
		} else {
			p.mu.Lock()
			_, _ = p.Write(frame)
			p.mu.Unlock()
		}
	}
	return &pb.PublishResponse{Channel: request.GetChannel()}, nil
}

// PublishBatch does that for several.
func (r *reference) PublishBatch(ctx context.Context, batch *pb.PublishBatchRequest) (*pb.PublishBatchResponse, error) {
	answer := &pb.PublishBatchResponse{}
	for _, request := range batch.GetRequests() {
		response, err := r.Publish(ctx, request)
		if err != nil {
			return nil, err
		}
		answer.Results = append(answer.Results, &pb.PublishResult{Result: &pb.PublishResult_Response{Response: response}})
	}
	return answer, nil
}

// PublishStream does that as they come.
func (r *reference) PublishStream(stream pb.PublishService_PublishStreamServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := r.Publish(stream.Context(), request.GetRequest())
		if err != nil {
			return err
		}
		answer := &pb.PublishStreamResponse{CorrelationId: request.GetCorrelationId(), Result: &pb.PublishStreamResponse_Response{Response: response}}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

func (r *reference) enqueue(p *peer, frame []byte) {
	p.mu.Lock()
	for len(p.queue) >= maxQueue {
		p.room.Wait()
	}
	p.queue = append(p.queue, frame)
	wake := !p.scheduled
	p.scheduled = true
	p.mu.Unlock()
	if wake {
		r.dirty <- p
	}
}

// write takes connections that have something queued, one after the other.
func (r *reference) write() {
	var scratch []byte
	for p := range r.dirty {
		p.mu.Lock()
		n := min(len(p.queue), framesAWrite)
		scratch = scratch[:0]
		for _, frame := range p.queue[:n] {
			scratch = append(scratch, frame...)
		}
		p.queue = p.queue[n:]
		p.room.Broadcast()
		p.mu.Unlock()
		_, _ = p.Write(scratch)
		p.mu.Lock()
		again := len(p.queue) > 0
		p.scheduled = again
		p.mu.Unlock()
		if again {
			r.dirty <- p
		}
	}
}
