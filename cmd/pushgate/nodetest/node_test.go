package nodetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pushgate/cmd/pushgate/pushgatetest"
	pb "pushgate/proto/gen/pushgate/v1"
)

func TestMain(m *testing.M) { pushgatetest.Main(m) }

// install puts the client with its library, in the version that the lock file says,
// into a directory. Without Node.js the test is skipped, but not in CI.
func install(t *testing.T) (dir string) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		const missing = "npm is not on PATH: install it (Debian: apt-get install npm)"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// A conforming client reads everything, compressed and not, small and large, while
// pings go both ways.
func TestIndependentClient(t *testing.T) {
	const messages = 1500
	dir := install(t)
	s := pushgatetest.Start(t, pushgatetest.Command{Args: []string{"--http-compression", "--heartbeat-interval=1s"}})
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	publish := pb.NewPublishServiceClient(conn)
	for _, mode := range []string{"plain", "compressed"} {
		t.Run(mode, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*pushgatetest.Patience)
			defer cancel()
			command := exec.CommandContext(ctx, "node", filepath.Join(dir, "client.js"), s.WebSocket+"?subscriber="+mode+"&channel="+mode, mode, fmt.Sprint(messages))
			var out strings.Builder
			started := make(chan struct{}, 1)
			command.Stdout, command.Stderr = &lines{to: &out, first: started}, &out
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			select {
			case <-started:
			case err := <-ended:
				t.Fatalf("%v\n%s", err, out.String())
			}
			r := rand.New(rand.NewPCG(1, 2))
			for i := range messages {
				size := r.IntN(4000)
				if i%100 == 0 {
					size = 150_000
				}
				text := strings.Repeat(string(rune('a'+i%26)), size/2) + random(r, size/2)
				data, err := json.Marshal(map[string]string{"text": text, "sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(text)))})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := publish.Publish(t.Context(), &pb.PublishRequest{Channel: mode, Data: data}); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-ended; err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			t.Log(out.String())
		})
	}
}

func random(r *rand.Rand, n int) string {
	text := make([]rune, n)
	for i := range text {
		text[i] = rune(0x20 + r.IntN(0x2000))
	}
	return string(text)
}

// lines keeps what is written, and tells of the first.
type lines struct {
	to    *strings.Builder
	first chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	select {
	case l.first <- struct{}{}:
	default:
	}
	return l.to.Write(p)
}
