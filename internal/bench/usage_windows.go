package bench

import (
	"time"

	"golang.org/x/sys/windows"
)

// cpuTime is how much time of its processors this process has used.
func cpuTime() time.Duration {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		panic(err) // it has no way to fail
	}
	ticks := int64(kernel.HighDateTime+user.HighDateTime)<<32 + int64(kernel.LowDateTime) + int64(user.LowDateTime)
	return time.Duration(ticks) * 100
}
