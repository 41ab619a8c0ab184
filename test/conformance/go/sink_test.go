package conformance

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// sink collects what a stream of an attach session wrote.
type sink struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (s *sink) Write(data []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()

	return s.text.Write(data)
}

func (s *sink) Close() error { return nil }

func (s *sink) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()

	return s.text.String()
}

// shows waits until the text stands in what was written.
func (s *sink) shows(t *testing.T, text string) {
	t.Helper()

	if !eventually(func() bool { return strings.Contains(s.String(), text) }) {
		t.Fatalf("%q did not arrive: %q", text, tail(s.String(), 500))
	}
}
