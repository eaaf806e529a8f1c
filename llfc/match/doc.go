// Package match looks for the permutation π that brings one network's hidden units in line with another's, and holds
// the assignment solver that every such search needs.
package match
