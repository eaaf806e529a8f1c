// Package network holds f and θ: architectures written once as a forward function, and everything derived from
// that one description: parameters, initialisers, taps, cost, and permutation symmetry.
package network
