"""A server that answers every Predict after 20 ms, for tests that kill it.

    python tests/serving/client/counting_server.py PORT HOLD

It imports gRPC alone, to be there at once, and prints a line for each request: how often gRPC had
sent it before. While the file HOLD exists, requests wait, and it prints "held" for each.
"""

import concurrent.futures
import pathlib
import sys
import time

import grpc


class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        before = dict(call.invocation_metadata).get("grpc-previous-rpc-attempts", "0")

        def answer(request, context):
            time.sleep(0.02)
            if HOLD.exists():
                print("held", flush=True)
            while HOLD.exists():
                time.sleep(0.005)
            print(before, flush=True)
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


if __name__ == "__main__":
    HOLD = pathlib.Path(sys.argv[2])
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([Handler()])
    # Without it, a second server may take a part of the requests of the first.
    if not server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}"):
        sys.exit("the port is taken")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()
