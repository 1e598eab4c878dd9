//go:build tools

// Package tools keeps notification-controller in go.mod.
package tools

import _ "github.com/fluxcd/notification-controller"
