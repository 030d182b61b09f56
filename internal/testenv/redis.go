package testenv

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"github.com/redis/go-redis/v9"
)

var redisImage = image{name: "redis:7", port: "6379", url: redisURL}

func redisURL(address string) string { return "redis://" + address + "/0" }

func findRedis() (recipe, error) {
	path, ok := look("redis-server", "valkey-server")
	if !ok {
		return recipe{}, errors.New("there is no redis-server or valkey-server in PATH")
	}
	return recipe{via: path, launch: func(in *instance) (string, error) {
		data, err := in.mkdir("data")
		if err != nil {
			return "", err
		}
		port, err := freePort()
		if err != nil {
			return "", err
		}
		err = in.start(syscall.SIGKILL, path,
			"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", data, "--save", "", "--appendonly", "no")
		if err != nil {
			return "", err
		}
		url := redisURL("127.0.0.1:" + strconv.Itoa(port))
		return url, in.ready(pingRedis, url)
	}}, nil
}

func pingRedis(ctx context.Context, url string) error {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	// go-redis writes to standard error when it cannot connect, which it cannot
	// while the server starts.
	conn, err := (&net.Dialer{}).DialContext(ctx, opts.Network, opts.Addr)
	if err != nil {
		return err
	}
	conn.Close()
	opts.MaxRetries = -1
	client := redis.NewClient(opts)
	defer client.Close()
	return client.Ping(ctx).Err()
}

// freshRedis gives out the server itself: it has sixteen databases, and its
// channels do not belong to any of them.
func freshRedis(_ context.Context, url, _ string) (string, dropFunc, error) {
	return url, func(context.Context) error { return nil }, nil
}
