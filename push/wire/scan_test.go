package wire

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestScanAgreesWithEncodingJSON damages a frame that holds every form of value, one byte at a time.
func TestScanAgreesWithEncodingJSON(t *testing.T) {
	frame := []byte(`{ "a" : [ -0.10e+5 , 12E-3 , 0 , [] , {} , true , false , null ] , "b\u00e4\"\\\/\b\f\n\r\t" : { "c" : "ü" } }`)
	check := func(damaged []byte) {
		t.Helper()
		var f fields
		err := scanFrame(damaged, &f)
		if want := json.Valid(damaged); (err == nil) != want && err != errUTF8 {
			t.Errorf("%q: %v, but encoding/json says %v", damaged, err, want)
		}
	}
	check(frame)
	for i := range frame {
		check(frame[:i])
		check(slices.Delete(slices.Clone(frame), i, i+1))
		for c := range 256 {
			check(slices.Replace(slices.Clone(frame), i, i+1, byte(c)))
			check(slices.Insert(slices.Clone(frame), i, byte(c)))
		}
	}
}
