package memory

import "fmt"

// Room returns an error if something needs more bytes than can still be used. It returns nil where that is not known. need is a lower bound, a
// float so that products cannot overflow; instead says what to ask for.
func Room(what string, need float64, instead string) error {
	free, ok := Available()
	if !ok || need <= float64(free) {
		return nil
	}
	return fmt.Errorf("%s would take at least %s of memory, and this machine has %s free; %s", what, Size(need), Size(float64(free)), instead)
}

// Size prints a number of bytes.
func Size(n float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	return fmt.Sprintf("%.3g %s", n, units[i])
}
