//go:build !linux

package main

import "errors"

// mountSmall mounts nothing: only Linux has tmpfs.
func mountSmall(string, int) error { return errors.New("only Linux has tmpfs") }

func unmount(string) error { return nil }
