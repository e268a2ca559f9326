package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// pageSize is how many rows a listing asks for at once.
const pageSize = 1000

// listingFlags is what a command embeds that lists something.
type listingFlags struct {
	grpcFlags `embed:""`
	JSON      bool `name:"json" help:"Print one JSON object a line."`
}

// list prints all pages: a table with the head, or a JSON object a line.
func list[Row proto.Message](f listingFlags, t terminal, head string, page func(token string) ([]Row, string, error), cells func(Row) []any) error {
	out := bufio.NewWriter(t.out)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	if !f.JSON {
		_, _ = fmt.Fprintln(table, strings.ReplaceAll(head, " ", "\t"))
	}
	for token := ""; ; {
		rows, next, err := page(token)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := printRow(f, out, table, row, cells); err != nil {
				return err
			}
		}
		if token = next; token == "" {
			break
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return out.Flush()
}

func printRow[Row proto.Message](f listingFlags, out, table io.Writer, row Row, cells func(Row) []any) error {
	if !f.JSON {
		texts := make([]string, 0, 8)
		for _, cell := range cells(row) {
			texts = append(texts, printable(fmt.Sprint(cell)))
		}
		_, err := fmt.Fprintln(table, strings.Join(texts, "\t"))
		return err
	}
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(row)
	if err != nil {
		return err
	}
	var line json.RawMessage = text
	// protojson spaces its output at random; encoding/json makes it plain.
	text, err = json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", text)
	}
	return err
}

// moment writes a time for people.
func moment(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().Local().Format(time.DateTime)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
