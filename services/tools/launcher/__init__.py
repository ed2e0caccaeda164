"""The launcher: private PostgreSQL and RabbitMQ, the four processes, and one supervisor over all of them."""
