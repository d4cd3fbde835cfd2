"""What operators run and watch: backup, tidying, the doctor's checks, metrics."""
