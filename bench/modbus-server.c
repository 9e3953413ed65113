/* A Modbus/TCP server of libmodbus for measurements: 1,000 registers of each kind on 127.0.0.1, as many clients as select() takes. */
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

int main(int argc, char **argv) {
  modbus_t *context = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 1502);
  modbus_mapping_t *mapping = modbus_mapping_new(1000, 1000, 1000, 1000);
  int listener = modbus_tcp_listen(context, 64), highest = listener;
  fd_set all, ready;
  uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
  if (listener < 0 || !mapping) return 1;
  FD_ZERO(&all);
  FD_SET(listener, &all);
  puts("ready");
  fflush(stdout);
  for (;;) {
    ready = all;
    if (select(highest + 1, &ready, NULL, NULL, NULL) < 0) return 1;
    for (int fd = 0; fd <= highest; fd++) {
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        int client = modbus_tcp_accept(context, &listener);
        if (client < 0) continue;
        FD_SET(client, &all);
        if (client > highest) highest = client;
        continue;
      }
      modbus_set_socket(context, fd);
      int length = modbus_receive(context, query);
      if (length > 0) {
        modbus_reply(context, query, length, mapping);
      } else if (length < 0) {
        close(fd);
        FD_CLR(fd, &all);
      }
    }
  }
}
