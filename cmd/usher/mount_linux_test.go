package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mountSmall mounts a disk in memory.
func mountSmall(dir string, bytes int) error {
	if os.Getuid() != 0 {
		return errors.New("only root mounts")
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes))
}

func unmount(dir string) error { return syscall.Unmount(dir, 0) }
