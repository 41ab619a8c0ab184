package conformance

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()

	if err != nil {
		t.Fatal(err)
	}
}

// expect fails when two values differ.
func expect[T comparable](t *testing.T, what string, found, wanted T) {
	t.Helper()

	if found != wanted {
		t.Fatalf("%s: %#v, expected %#v", what, found, wanted)
	}
}

// expectText fails when a text does not contain another.
func expectText(t *testing.T, what, found, wanted string) {
	t.Helper()

	if !strings.Contains(found, wanted) {
		t.Fatalf("%s: %q, expected %q in it", what, tail(found, 2000), wanted)
	}
}

// readOr gives a file's text, or none when it can't be read.
func readOr(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}

	return string(text)
}

func exists(path string) bool {
	_, err := os.Lstat(path)

	return err == nil
}

func tail(text string, length int) string {
	return text[max(0, len(text)-length):]
}

// alive says whether a process is there; a zombie counts, as for the client.
func alive(pid int) bool { return pid > 0 && syscall.Kill(pid, 0) == nil }

// process is what /proc/PID/stat tells of one.
type process struct {
	pid, parent, session int
	state, name          string
}

func processOf(pid int) (process, bool) {
	stat := readOr(fmt.Sprintf("/proc/%d/stat", pid))

	opened, closed := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if closed < 0 {
		return process{}, false
	}

	fields := strings.Fields(stat[closed+1:])
	parent, _ := strconv.Atoi(fields[1])
	session, _ := strconv.Atoi(fields[3])

	return process{pid, parent, session, fields[0], stat[opened+1 : closed]}, true
}

// childrenOf names the children of a process: for a server without containers, each is one too many.
func childrenOf(pid int) []string {
	entries, _ := os.ReadDir("/proc")

	var found []string

	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}

		if child, ok := processOf(number); ok && child.parent == pid {
			found = append(found, fmt.Sprintf("%s %s %d", child.state, child.name, child.pid))
		}
	}

	return found
}

var inode = regexp.MustCompile(`:\[\d+\]$`)

// descriptors tells what the descriptors of a process are, numbers of pipes and sockets taken away.
func descriptors(pid int) []string {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(folder)

	var found []string

	for _, entry := range entries {
		if target, err := os.Readlink(folder + "/" + entry.Name()); err == nil {
			found = append(found, inode.ReplaceAllString(target, ""))
		}
	}

	slices.Sort(found)

	return found
}

// beyond is what is in now more often than in before.
func beyond(now, before []string) []string {
	rest := slices.Clone(before)

	var more []string

	for _, entry := range now {
		if at := slices.Index(rest, entry); at >= 0 {
			rest = slices.Delete(rest, at, at+1)
		} else {
			more = append(more, entry)
		}
	}

	return more
}

// readlink tells what one descriptor of a process is.
func readlink(t *testing.T, pid, descriptor int) string {
	t.Helper()

	target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, descriptor))
	must(t, err)

	return target
}

// expectSocket fails when no socket is there, or one that others than its owner may use.
func expectSocket(t *testing.T, path string) {
	t.Helper()

	found, err := os.Lstat(path)
	must(t, err)

	if found.Mode()&os.ModeSocket == 0 {
		t.Fatalf("%s is no socket", path)
	}

	if g := loadGround(t); g.ours() {
		expect(t, "mode of "+path, found.Mode().Perm(), os.FileMode(0o600))
	}
}
