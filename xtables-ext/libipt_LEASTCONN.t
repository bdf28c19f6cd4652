# SPDX-License-Identifier: GPL-2.0-only
:PREROUTING,OUTPUT
*nat
# one backend, with and without a port
-j LEASTCONN --to 10.0.0.1;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:1;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:65535;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:0080;-p tcp -j LEASTCONN --to 10.0.0.1:80;OK
-j LEASTCONN --to 255.255.255.254;=;OK
-j LEASTCONN --to 0.0.0.1;=;OK
-j LEASTCONN --to 223.255.255.255;=;OK
-j LEASTCONN --to 240.0.0.0;=;OK
-j LEASTCONN --to 127.0.0.1;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:0;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:65536;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:-1;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:+80;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:0x50;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:http;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80a;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80:80;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80-90;;FAIL
-p tcp -j LEASTCONN --to '10.0.0.1: 80';;FAIL
-p tcp -j LEASTCONN --to ' 10.0.0.1:80';;FAIL
# the protocol a port needs
-p udp -j LEASTCONN --to 10.0.0.1:53;=;OK
-p sctp -j LEASTCONN --to 10.0.0.1:53;=;OK
-p dccp -j LEASTCONN --to 10.0.0.1:53;=;OK
-p udplite -j LEASTCONN --to 10.0.0.1:53;=;OK
-p icmp -j LEASTCONN --to 10.0.0.1;=;OK
! -p tcp -j LEASTCONN --to 10.0.0.1;=;OK
-j LEASTCONN --to 10.0.0.1:80 -p tcp;-p tcp -j LEASTCONN --to 10.0.0.1:80;OK
-j LEASTCONN --to 10.0.0.1:80;;FAIL
! -p tcp -j LEASTCONN --to 10.0.0.1:80;;FAIL
-j LEASTCONN --to 10.0.0.1:80 ! -p tcp;;FAIL
-p icmp -j LEASTCONN --to 10.0.0.1:80;;FAIL
-p all -j LEASTCONN --to 10.0.0.1:80;;FAIL
-j LEASTCONN --to 10.0.0.1,10.0.0.2:80;;FAIL
# several backends, in the order written
-p tcp -j LEASTCONN --to 10.0.0.2:80,10.0.0.1:80;-p tcp -j LEASTCONN --to 10.0.0.2:80 --to 10.0.0.1:80;OK
-p tcp -j LEASTCONN --to 10.0.0.2:80 --to 10.0.0.1:80;=;OK
-p tcp -j LEASTCONN --to 10.0.0.3:80 --to 10.0.0.1:80,10.0.0.2:80;-p tcp -j LEASTCONN --to 10.0.0.3:80 --to 10.0.0.1:80 --to 10.0.0.2:80;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80,10.0.0.1:81,10.0.0.1;-p tcp -j LEASTCONN --to 10.0.0.1:80 --to 10.0.0.1:81 --to 10.0.0.1;OK
# weight
-j LEASTCONN --to 10.0.0.1,weight=0;=;OK
-j LEASTCONN --to 10.0.0.1,weight=1;-j LEASTCONN --to 10.0.0.1;OK
-j LEASTCONN --to 10.0.0.1,weight=2;=;OK
-j LEASTCONN --to 10.0.0.1,weight=65535;=;OK
-j LEASTCONN --to 10.0.0.1,weight=007;-j LEASTCONN --to 10.0.0.1,weight=7;OK
-j LEASTCONN --to 10.0.0.1,weight=65536;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=-1;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=;;FAIL
-j LEASTCONN --to 10.0.0.1,weight;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=+1;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=0x1;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=1.5;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=a;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=4294967297;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=18446744073709551617;;FAIL
-j LEASTCONN --to '10.0.0.1,weight= 1';;FAIL
-j LEASTCONN --to '10.0.0.1,weight=1 ';;FAIL
-j LEASTCONN --to '10.0.0.1, weight=1';;FAIL
-j LEASTCONN --to 10.0.0.1,Weight=1;;FAIL
# max-conns
-j LEASTCONN --to 10.0.0.1,max-conns=0;-j LEASTCONN --to 10.0.0.1;OK
-j LEASTCONN --to 10.0.0.1,max-conns=1;=;OK
-j LEASTCONN --to 10.0.0.1,max-conns=4294967295;=;OK
-j LEASTCONN --to 10.0.0.1,max-conns=4294967296;;FAIL
-j LEASTCONN --to 10.0.0.1,max-conns=-1;;FAIL
-j LEASTCONN --to 10.0.0.1,max-conns=;;FAIL
-j LEASTCONN --to 10.0.0.1,max-conns;;FAIL
-j LEASTCONN --to 10.0.0.1,max-conns=18446744073709551616;;FAIL
# backup
-j LEASTCONN --to 10.0.0.1,backup;=;OK
-j LEASTCONN --to 10.0.0.1,backup,10.0.0.2;-j LEASTCONN --to 10.0.0.1,backup --to 10.0.0.2;OK
-j LEASTCONN --to 10.0.0.1,backup=1;;FAIL
-j LEASTCONN --to 10.0.0.1,backup=;;FAIL
# attributes: saved in one order, each once, after a backend, known
-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,max-conns=5,backup;=;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80,backup,max-conns=5,weight=3;-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,max-conns=5,backup;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80,max-conns=5,weight=3,backup;-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,max-conns=5,backup;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80,backup,weight=3,max-conns=5;-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,max-conns=5,backup;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,10.0.0.2-10.0.0.4:80,max-conns=500;-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3 --to 10.0.0.2:80,max-conns=500 --to 10.0.0.3:80,max-conns=500 --to 10.0.0.4:80,max-conns=500;OK
-j LEASTCONN --to 10.0.0.1,weight=2,weight=2;;FAIL
-j LEASTCONN --to 10.0.0.1,max-conns=2,max-conns=3;;FAIL
-j LEASTCONN --to 10.0.0.1,backup,backup;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=2,10.0.0.2,weight=2;-j LEASTCONN --to 10.0.0.1,weight=2 --to 10.0.0.2,weight=2;OK
-j LEASTCONN --to weight=2;;FAIL
-j LEASTCONN --to weight=2,10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1 --to weight=2;;FAIL
-j LEASTCONN --to backup;;FAIL
-j LEASTCONN --to 10.0.0.1,speed=3;;FAIL
-j LEASTCONN --to 10.0.0.1,=3;;FAIL
-j LEASTCONN --to 10.0.0.1,weigh=3;;FAIL
-j LEASTCONN --to 10.0.0.1,weights=3;;FAIL
-j LEASTCONN --to 10.0.0.1,drain;;FAIL
# empty elements
-j LEASTCONN --to '';;FAIL
-j LEASTCONN --to ,;;FAIL
-j LEASTCONN --to 10.0.0.1,;;FAIL
-j LEASTCONN --to ,10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1,,10.0.0.2;;FAIL
-j LEASTCONN --to 10.0.0.1,,weight=2;;FAIL
# ranges, in both spellings
-j LEASTCONN --to 10.0.0.1-10.0.0.3;-j LEASTCONN --to 10.0.0.1 --to 10.0.0.2 --to 10.0.0.3;OK
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.3:80;-p tcp -j LEASTCONN --to 10.0.0.1:80 --to 10.0.0.2:80 --to 10.0.0.3:80;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80-10.0.0.3:80;-p tcp -j LEASTCONN --to 10.0.0.1:80 --to 10.0.0.2:80 --to 10.0.0.3:80;OK
-p tcp -j LEASTCONN --to 10.0.0.1:80-10.0.0.3:080;-p tcp -j LEASTCONN --to 10.0.0.1:80 --to 10.0.0.2:80 --to 10.0.0.3:80;OK
-j LEASTCONN --to 10.0.0.1-10.0.0.1;-j LEASTCONN --to 10.0.0.1;OK
-j LEASTCONN --to 10.0.0.255-10.0.1.0;-j LEASTCONN --to 10.0.0.255 --to 10.0.1.0;OK
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.2:80,weight=3,max-conns=5,backup;-p tcp -j LEASTCONN --to 10.0.0.1:80,weight=3,max-conns=5,backup --to 10.0.0.2:80,weight=3,max-conns=5,backup;OK
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.2:80 --to 10.0.0.1-10.0.0.2:81;-p tcp -j LEASTCONN --to 10.0.0.1:80 --to 10.0.0.2:80 --to 10.0.0.1:81 --to 10.0.0.2:81;OK
-p tcp -j LEASTCONN --to 10.0.0.3-10.0.0.1:80;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80-10.0.0.3:81;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80-10.0.0.3;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1-;;FAIL
-p tcp -j LEASTCONN --to -10.0.0.3;;FAIL
-p tcp -j LEASTCONN --to -;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1-3;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.2-10.0.0.3;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.3:0;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:0-10.0.0.3:0;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.0/24;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80-81;;FAIL
# at most 64 backends, by range and by list
-j LEASTCONN --to 10.0.1.1-10.0.1.64;-j LEASTCONN --to 10.0.1.1 --to 10.0.1.2 --to 10.0.1.3 --to 10.0.1.4 --to 10.0.1.5 --to 10.0.1.6 --to 10.0.1.7 --to 10.0.1.8 --to 10.0.1.9 --to 10.0.1.10 --to 10.0.1.11 --to 10.0.1.12 --to 10.0.1.13 --to 10.0.1.14 --to 10.0.1.15 --to 10.0.1.16 --to 10.0.1.17 --to 10.0.1.18 --to 10.0.1.19 --to 10.0.1.20 --to 10.0.1.21 --to 10.0.1.22 --to 10.0.1.23 --to 10.0.1.24 --to 10.0.1.25 --to 10.0.1.26 --to 10.0.1.27 --to 10.0.1.28 --to 10.0.1.29 --to 10.0.1.30 --to 10.0.1.31 --to 10.0.1.32 --to 10.0.1.33 --to 10.0.1.34 --to 10.0.1.35 --to 10.0.1.36 --to 10.0.1.37 --to 10.0.1.38 --to 10.0.1.39 --to 10.0.1.40 --to 10.0.1.41 --to 10.0.1.42 --to 10.0.1.43 --to 10.0.1.44 --to 10.0.1.45 --to 10.0.1.46 --to 10.0.1.47 --to 10.0.1.48 --to 10.0.1.49 --to 10.0.1.50 --to 10.0.1.51 --to 10.0.1.52 --to 10.0.1.53 --to 10.0.1.54 --to 10.0.1.55 --to 10.0.1.56 --to 10.0.1.57 --to 10.0.1.58 --to 10.0.1.59 --to 10.0.1.60 --to 10.0.1.61 --to 10.0.1.62 --to 10.0.1.63 --to 10.0.1.64;OK
-j LEASTCONN --to 10.0.1.1,10.0.1.2,10.0.1.3,10.0.1.4,10.0.1.5,10.0.1.6,10.0.1.7,10.0.1.8,10.0.1.9,10.0.1.10,10.0.1.11,10.0.1.12,10.0.1.13,10.0.1.14,10.0.1.15,10.0.1.16,10.0.1.17,10.0.1.18,10.0.1.19,10.0.1.20,10.0.1.21,10.0.1.22,10.0.1.23,10.0.1.24,10.0.1.25,10.0.1.26,10.0.1.27,10.0.1.28,10.0.1.29,10.0.1.30,10.0.1.31,10.0.1.32,10.0.1.33,10.0.1.34,10.0.1.35,10.0.1.36,10.0.1.37,10.0.1.38,10.0.1.39,10.0.1.40,10.0.1.41,10.0.1.42,10.0.1.43,10.0.1.44,10.0.1.45,10.0.1.46,10.0.1.47,10.0.1.48,10.0.1.49,10.0.1.50,10.0.1.51,10.0.1.52,10.0.1.53,10.0.1.54,10.0.1.55,10.0.1.56,10.0.1.57,10.0.1.58,10.0.1.59,10.0.1.60,10.0.1.61,10.0.1.62,10.0.1.63,10.0.1.64;-j LEASTCONN --to 10.0.1.1 --to 10.0.1.2 --to 10.0.1.3 --to 10.0.1.4 --to 10.0.1.5 --to 10.0.1.6 --to 10.0.1.7 --to 10.0.1.8 --to 10.0.1.9 --to 10.0.1.10 --to 10.0.1.11 --to 10.0.1.12 --to 10.0.1.13 --to 10.0.1.14 --to 10.0.1.15 --to 10.0.1.16 --to 10.0.1.17 --to 10.0.1.18 --to 10.0.1.19 --to 10.0.1.20 --to 10.0.1.21 --to 10.0.1.22 --to 10.0.1.23 --to 10.0.1.24 --to 10.0.1.25 --to 10.0.1.26 --to 10.0.1.27 --to 10.0.1.28 --to 10.0.1.29 --to 10.0.1.30 --to 10.0.1.31 --to 10.0.1.32 --to 10.0.1.33 --to 10.0.1.34 --to 10.0.1.35 --to 10.0.1.36 --to 10.0.1.37 --to 10.0.1.38 --to 10.0.1.39 --to 10.0.1.40 --to 10.0.1.41 --to 10.0.1.42 --to 10.0.1.43 --to 10.0.1.44 --to 10.0.1.45 --to 10.0.1.46 --to 10.0.1.47 --to 10.0.1.48 --to 10.0.1.49 --to 10.0.1.50 --to 10.0.1.51 --to 10.0.1.52 --to 10.0.1.53 --to 10.0.1.54 --to 10.0.1.55 --to 10.0.1.56 --to 10.0.1.57 --to 10.0.1.58 --to 10.0.1.59 --to 10.0.1.60 --to 10.0.1.61 --to 10.0.1.62 --to 10.0.1.63 --to 10.0.1.64;OK
-j LEASTCONN --to 10.0.1.1 --to 10.0.1.2 --to 10.0.1.3 --to 10.0.1.4 --to 10.0.1.5 --to 10.0.1.6 --to 10.0.1.7 --to 10.0.1.8 --to 10.0.1.9 --to 10.0.1.10 --to 10.0.1.11 --to 10.0.1.12 --to 10.0.1.13 --to 10.0.1.14 --to 10.0.1.15 --to 10.0.1.16 --to 10.0.1.17 --to 10.0.1.18 --to 10.0.1.19 --to 10.0.1.20 --to 10.0.1.21 --to 10.0.1.22 --to 10.0.1.23 --to 10.0.1.24 --to 10.0.1.25 --to 10.0.1.26 --to 10.0.1.27 --to 10.0.1.28 --to 10.0.1.29 --to 10.0.1.30 --to 10.0.1.31 --to 10.0.1.32 --to 10.0.1.33 --to 10.0.1.34 --to 10.0.1.35 --to 10.0.1.36 --to 10.0.1.37 --to 10.0.1.38 --to 10.0.1.39 --to 10.0.1.40 --to 10.0.1.41 --to 10.0.1.42 --to 10.0.1.43 --to 10.0.1.44 --to 10.0.1.45 --to 10.0.1.46 --to 10.0.1.47 --to 10.0.1.48 --to 10.0.1.49 --to 10.0.1.50 --to 10.0.1.51 --to 10.0.1.52 --to 10.0.1.53 --to 10.0.1.54 --to 10.0.1.55 --to 10.0.1.56 --to 10.0.1.57 --to 10.0.1.58 --to 10.0.1.59 --to 10.0.1.60 --to 10.0.1.61 --to 10.0.1.62 --to 10.0.1.63 --to 10.0.1.64;=;OK
-p tcp -j LEASTCONN --to 192.168.100.101-192.168.100.164:65535,weight=65535,max-conns=4294967295,backup;-p tcp -j LEASTCONN --to 192.168.100.101:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.102:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.103:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.104:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.105:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.106:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.107:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.108:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.109:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.110:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.111:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.112:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.113:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.114:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.115:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.116:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.117:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.118:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.119:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.120:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.121:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.122:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.123:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.124:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.125:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.126:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.127:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.128:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.129:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.130:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.131:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.132:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.133:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.134:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.135:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.136:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.137:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.138:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.139:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.140:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.141:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.142:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.143:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.144:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.145:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.146:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.147:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.148:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.149:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.150:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.151:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.152:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.153:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.154:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.155:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.156:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.157:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.158:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.159:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.160:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.161:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.162:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.163:65535,weight=65535,max-conns=4294967295,backup --to 192.168.100.164:65535,weight=65535,max-conns=4294967295,backup;OK
-j LEASTCONN --to 10.0.1.1-10.0.1.65;;FAIL
-j LEASTCONN --to 10.0.1.1,10.0.1.2,10.0.1.3,10.0.1.4,10.0.1.5,10.0.1.6,10.0.1.7,10.0.1.8,10.0.1.9,10.0.1.10,10.0.1.11,10.0.1.12,10.0.1.13,10.0.1.14,10.0.1.15,10.0.1.16,10.0.1.17,10.0.1.18,10.0.1.19,10.0.1.20,10.0.1.21,10.0.1.22,10.0.1.23,10.0.1.24,10.0.1.25,10.0.1.26,10.0.1.27,10.0.1.28,10.0.1.29,10.0.1.30,10.0.1.31,10.0.1.32,10.0.1.33,10.0.1.34,10.0.1.35,10.0.1.36,10.0.1.37,10.0.1.38,10.0.1.39,10.0.1.40,10.0.1.41,10.0.1.42,10.0.1.43,10.0.1.44,10.0.1.45,10.0.1.46,10.0.1.47,10.0.1.48,10.0.1.49,10.0.1.50,10.0.1.51,10.0.1.52,10.0.1.53,10.0.1.54,10.0.1.55,10.0.1.56,10.0.1.57,10.0.1.58,10.0.1.59,10.0.1.60,10.0.1.61,10.0.1.62,10.0.1.63,10.0.1.64,10.0.1.65;;FAIL
-j LEASTCONN --to 10.0.1.1 --to 10.0.1.2 --to 10.0.1.3 --to 10.0.1.4 --to 10.0.1.5 --to 10.0.1.6 --to 10.0.1.7 --to 10.0.1.8 --to 10.0.1.9 --to 10.0.1.10 --to 10.0.1.11 --to 10.0.1.12 --to 10.0.1.13 --to 10.0.1.14 --to 10.0.1.15 --to 10.0.1.16 --to 10.0.1.17 --to 10.0.1.18 --to 10.0.1.19 --to 10.0.1.20 --to 10.0.1.21 --to 10.0.1.22 --to 10.0.1.23 --to 10.0.1.24 --to 10.0.1.25 --to 10.0.1.26 --to 10.0.1.27 --to 10.0.1.28 --to 10.0.1.29 --to 10.0.1.30 --to 10.0.1.31 --to 10.0.1.32 --to 10.0.1.33 --to 10.0.1.34 --to 10.0.1.35 --to 10.0.1.36 --to 10.0.1.37 --to 10.0.1.38 --to 10.0.1.39 --to 10.0.1.40 --to 10.0.1.41 --to 10.0.1.42 --to 10.0.1.43 --to 10.0.1.44 --to 10.0.1.45 --to 10.0.1.46 --to 10.0.1.47 --to 10.0.1.48 --to 10.0.1.49 --to 10.0.1.50 --to 10.0.1.51 --to 10.0.1.52 --to 10.0.1.53 --to 10.0.1.54 --to 10.0.1.55 --to 10.0.1.56 --to 10.0.1.57 --to 10.0.1.58 --to 10.0.1.59 --to 10.0.1.60 --to 10.0.1.61 --to 10.0.1.62 --to 10.0.1.63 --to 10.0.1.64 --to 10.0.1.65;;FAIL
-j LEASTCONN --to 10.0.1.1-10.0.1.64,10.0.1.65;;FAIL
-j LEASTCONN --to 10.0.1.1,10.0.1.2-10.0.1.65;;FAIL
-j LEASTCONN --to 10.0.1.1-10.0.1.64 --to 10.0.1.65;;FAIL
-j LEASTCONN --to 1.0.0.0-223.255.255.255;;FAIL
# duplicates, also by way of a range
-j LEASTCONN --to 10.0.0.1,10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1 --to 10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1-10.0.0.3,10.0.0.2;;FAIL
-j LEASTCONN --to 10.0.0.2,10.0.0.1-10.0.0.3;;FAIL
-j LEASTCONN --to 10.0.0.1-10.0.0.2,10.0.0.2-10.0.0.3;;FAIL
-j LEASTCONN --to 10.0.0.1,weight=2,10.0.0.1,weight=3;;FAIL
-j LEASTCONN --to 10.0.0.1,10.0.0.1,backup;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80,10.0.0.1:080;;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1-10.0.0.3:80,10.0.0.2:80;;FAIL
# addresses that are no backend's
-j LEASTCONN --to 0.0.0.0;;FAIL
-j LEASTCONN --to 224.0.0.0;;FAIL
-j LEASTCONN --to 239.255.255.255;;FAIL
-j LEASTCONN --to 255.255.255.255;;FAIL
-j LEASTCONN --to 0.0.0.0-0.0.0.1;;FAIL
-j LEASTCONN --to 223.255.255.255-224.0.0.0;;FAIL
-j LEASTCONN --to 255.255.255.254-255.255.255.255;;FAIL
-j LEASTCONN --to localhost;;FAIL
-j LEASTCONN --to web.example.org;;FAIL
-j LEASTCONN --to 10.0.0;;FAIL
-j LEASTCONN --to 10.0.0.256;;FAIL
-j LEASTCONN --to 010.0.0.1;;FAIL
-j LEASTCONN --to [10.0.0.1];;FAIL
-j LEASTCONN --to :80;;FAIL
-j LEASTCONN --to bakcup;;FAIL
-p tcp -j LEASTCONN --to [10.0.0.1]:80;;FAIL
# the other family
-j LEASTCONN --to 2001:db8::1;;FAIL
-j LEASTCONN --to 10.0.0.1,2001:db8::1;;FAIL
-j LEASTCONN --to 2001:db8::1-2001:db8::3;;FAIL
-j LEASTCONN --to 10.0.0.1-2001:db8::3;;FAIL
-j LEASTCONN --to ::ffff:10.0.0.1;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80;;FAIL
# pools: tests/ext/run makes those that are named in rows that are OK
-j LEASTCONN --pool web;=;OK
-p tcp -j LEASTCONN --pool web;=;OK
-j LEASTCONN --pool Azaz09_.-abcdefghijklmnopqrstuv;=;OK
-j LEASTCONN --pool -;=;OK
-j LEASTCONN --pool --to;=;OK
-m comment --comment x -j LEASTCONN --pool .;=;OK
# the same name but longer: not cut, and not there
-j LEASTCONN --pool Azaz09_.-abcdefghijklmnopqrstuvw;;FAIL
-j LEASTCONN --pool Azaz09_.-abcdefghijklmnopqrstuvAzaz09_.-abcdefghijklmnopqrstuv;;FAIL
-j LEASTCONN --pool we;;FAIL
-j LEASTCONN --pool Web;;FAIL
-j LEASTCONN --pool "";;FAIL
-j LEASTCONN --pool "web ";;FAIL
-j LEASTCONN --pool a/b;;FAIL
-j LEASTCONN --pool a,b;;FAIL
-j LEASTCONN --pool web:80;;FAIL
-j LEASTCONN --pool;;FAIL
-j LEASTCONN ! --pool web;;FAIL
-j LEASTCONN --pool web --pool web;;FAIL
-j LEASTCONN --pool web --to 10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1 --pool web;;FAIL
# --to itself
-j LEASTCONN;;FAIL
-j LEASTCONN --to;;FAIL
-j LEASTCONN ! --to 10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1 10.0.0.2;;FAIL
# a match with an option of the same name
-m string --string x --algo bm --to 100 -j LEASTCONN --to 10.0.0.1;-m string --string "x" --algo bm --to 100 -j LEASTCONN --to 10.0.0.1;OK
