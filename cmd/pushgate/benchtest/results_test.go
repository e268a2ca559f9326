//go:build linux

package benchtest

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// result is a line of the table.
type result struct {
	Work   string  `json:"work"`
	Figure float64 `json:"figure"`
	Unit   string  `json:"unit"`
	// Reference is the figure of what stands beside it, and Ratio the median of
	// the ratios; 0: there is none.
	Reference     float64 `json:"reference,omitempty"`
	ReferenceName string  `json:"referenceName,omitempty"`
	Ratio         float64 `json:"ratio,omitempty"`
	// Spread is the least and the greatest of the figures (or of the ratios).
	Spread [2]float64 `json:"spread"`
	Target target     `json:"target"`
	Met    bool       `json:"met"`
}

// target is what is wanted of a figure, or of its ratio to the reference.
type target struct {
	AtLeast float64 `json:"atLeast,omitempty"`
	AtMost  float64 `json:"atMost,omitempty"`
	OfRatio bool    `json:"ofRatio,omitempty"`
}

func (t target) met(figure, ratio float64) bool {
	if t.OfRatio {
		figure = ratio
	}
	return (t.AtLeast == 0 || figure >= t.AtLeast) && (t.AtMost == 0 || figure <= t.AtMost)
}

func (t target) String() string {
	unit := ""
	if t.OfRatio {
		unit = " × reference"
	}
	switch {
	case t.AtLeast != 0:
		return "≥ " + readable(t.AtLeast) + unit
	case t.AtMost != 0:
		return "≤ " + readable(t.AtMost) + unit
	default:
		return "–"
	}
}

// results gathers the lines of all benchmarks.
var results table

type table struct {
	mu    sync.Mutex
	lines []result
}

// samples are the figures of several rounds, each with its reference's.
type samples struct{ ours, reference []float64 }

func (s *samples) add(ours, reference float64) {
	s.ours, s.reference = append(s.ours, ours), append(s.reference, reference)
}

// report adds a line: the medians of the figures.
func (t *table) report(work, unit, referenceName string, s samples, wanted target) {
	r := result{Work: work, Unit: unit, ReferenceName: referenceName, Target: wanted}
	r.Figure, r.Spread = median(s.ours), [2]float64{slices.Min(s.ours), slices.Max(s.ours)}
	if referenceName != "" {
		ratios := make([]float64, len(s.ours))
		for i, f := range s.ours {
			ratios[i] = f / s.reference[i]
		}
		r.Reference, r.Ratio = median(s.reference), median(ratios)
		r.Spread = [2]float64{slices.Min(ratios), slices.Max(ratios)}
	}
	r.Met = wanted.met(r.Figure, r.Ratio)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, r)
	fmt.Fprintf(os.Stderr, "%s: %s %s\n", work, readable(r.Figure), unit)
}

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// publish prints the table, and writes it to a file that is named.
func (t *table) publish(file string) error {
	if len(t.lines) == 0 {
		return nil
	}
	fmt.Printf("\n%d processors, %s, %s/%s. The references ran in the same minutes; ratios compare, figures drift.\n\n",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "work\tfigure\treference\tratio (least–greatest)\ttarget\tmet")
	for _, r := range t.lines {
		reference, ratio := "–", fmt.Sprintf("– (%s–%s)", readable(r.Spread[0]), readable(r.Spread[1]))
		if r.ReferenceName != "" {
			reference = fmt.Sprintf("%s: %s", r.ReferenceName, readable(r.Reference))
			ratio = fmt.Sprintf("%s (%s–%s)", readable(r.Ratio), readable(r.Spread[0]), readable(r.Spread[1]))
		}
		met := "yes"
		switch {
		case r.Target == target{}:
			met = ""
		case !r.Met:
			met = "NO"
		}
		_, _ = fmt.Fprintln(w, strings.Join([]string{r.Work, readable(r.Figure) + " " + r.Unit, reference, ratio, r.Target.String(), met}, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(struct {
		Time       time.Time `json:"time"`
		Processors int       `json:"processors"`
		Go         string    `json:"go"`
		Results    []result  `json:"results"`
	}{time.Now().UTC().Truncate(time.Second), runtime.NumCPU(), runtime.Version(), t.lines}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// readable is a figure of three places.
func readable(f float64) string {
	switch {
	case f >= 1e6:
		return fmt.Sprintf("%.3g M", f/1e6)
	case f >= 1e4:
		return fmt.Sprintf("%.3g k", f/1e3)
	default:
		return fmt.Sprintf("%.3g", f)
	}
}
