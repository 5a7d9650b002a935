// Command usher is Usher: the server, and what operators do with it.
//
// It promises that every command says what is wrong and what to do about it,
// and ends with status 0 only if it did what it was asked for.
package main

import "os"

func main() { os.Exit(run()) }
