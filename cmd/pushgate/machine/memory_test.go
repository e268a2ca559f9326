package machine

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	const v2, v1 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		limit int64
		from  string
	}{
		{"nothing is known", nil, 0, "the machine"},
		{"no groups", map[string]string{"proc/meminfo": "MemTotal:       1024 kB\nMemFree: 1 kB\n"}, 1 << 20, "the machine"},
		{"version 2, a container", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2, "sys/fs/cgroup/memory.max": "1000\n",
		}, 1000, "the control group's limit"},
		{"version 2, no limit", map[string]string{
			"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2, "sys/fs/cgroup/a/memory.max": "max\n",
			"proc/meminfo": "MemTotal: 1 kB\n",
		}, 1024, "the machine"},
		{"version 2, the slice has less", map[string]string{
			"proc/self/cgroup": "0::/system.slice/pushgate.service\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/system.slice/pushgate.service/memory.max": "2000\n", "sys/fs/cgroup/system.slice/memory.max": "1500\n",
		}, 1500, "the control group's limit"},
		{"version 1", map[string]string{
			"proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/a/b\n", "proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" + v1,
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "3000\n",
		}, 3000, "the control group's limit"},
		{"version 1, the group is what is mounted", map[string]string{
			"proc/self/cgroup":                           "4:memory:/docker/1234\n",
			"proc/self/mountinfo":                        "35 31 0:32 /docker/1234 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
		}, 4000, "the control group's limit"},
		{"both, of which version 2 bounds no memory", map[string]string{
			"proc/self/cgroup": "4:memory:/a\n0::/\n", "proc/self/mountinfo": v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5000\n",
		}, 5000, "the control group's limit"},
		{"a group outside of what is mounted", map[string]string{
			"proc/self/cgroup": "0::/../other\n", "proc/self/mountinfo": v2, "sys/fs/cgroup/memory.max": "6000\n",
		}, 6000, "the control group's limit"},
		{"garbage", map[string]string{"proc/self/cgroup": "x\n::\n", "proc/self/mountinfo": "- \n1 2 - cgroup2\n", "proc/meminfo": "MemTotal: kB\n"}, 0, "the machine"},
	} {
		root := fstest.MapFS{}
		for name, text := range test.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if limit, from := memory(root); limit != test.limit || from != test.from {
			t.Errorf("%s: got %d of %s, want %d of %s", test.name, limit, from, test.limit, test.from)
		}
	}
}

func TestThisMachine(t *testing.T) {
	if limit, from := Memory(); limit <= 0 && runtime.GOOS == "linux" {
		t.Errorf("got %d of %s", limit, from)
	}
}
