package pgtest

import "syscall"

// dieWithParent asks the kernel for an immediate shutdown of the server when
// the thread that started it ends. SIGKILL would leak its shared memory.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGQUIT }
