"""A client of the chat for a terminal: client.py NAME [HOST [PORT]]. What is typed is said, what is said is shown."""

import socket
import struct
import sys
import threading


def send(sock: socket.socket, text: str) -> None:
    data = text.encode()
    sock.sendall(struct.pack(">H", len(data)) + data)


def show(sock: socket.socket) -> None:
    with sock.makefile("rb") as stream:
        while header := stream.read(2):
            print(stream.read(struct.unpack(">H", header)[0]).decode(), flush=True)


def main(name: str, host: str = "127.0.0.1", port: str = "8888") -> None:
    with socket.create_connection((host, int(port))) as sock:
        send(sock, name)
        shower = threading.Thread(target=show, args=(sock,))
        shower.start()
        for line in sys.stdin:
            send(sock, line.rstrip("\n"))
        sock.shutdown(socket.SHUT_WR)
        shower.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
