"""What protects mail servers, mailboxes and this process: rate limits, semaphores, single flight, circuit breaker."""
