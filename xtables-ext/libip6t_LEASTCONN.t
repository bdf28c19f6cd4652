# SPDX-License-Identifier: GPL-2.0-only
:PREROUTING,OUTPUT
*nat
# one backend, with and without a port
-j LEASTCONN --to 2001:db8::1;=;OK
-j LEASTCONN --to [2001:db8::1];-j LEASTCONN --to 2001:db8::1;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:80;=;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:1;=;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:65535;=;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:0080;-p tcp -j LEASTCONN --to [2001:db8::1]:80;OK
-j LEASTCONN --to 2001:0DB8:0:0:0:0:0:1;-j LEASTCONN --to 2001:db8::1;OK
-j LEASTCONN --to ::1;=;OK
-j LEASTCONN --to fe80::1;=;OK
-j LEASTCONN --to feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff;=;OK
-j LEASTCONN --to dead::beef;=;OK
-j LEASTCONN --to ::ffff:10.0.0.1;=;OK
# a last group in decimal digits is a part of the address
-j LEASTCONN --to 2001:db8::1:80;=;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:0;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:65536;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:-1;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:0x50;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:http;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80a;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80-90;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1;;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1];;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]80;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]]:80;;FAIL
-p tcp -j LEASTCONN --to []:80;;FAIL
-p tcp -j LEASTCONN --to [];;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1/64;;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1%lo;;FAIL
-p tcp -j LEASTCONN --to fe80::1%lo;;FAIL
-p tcp -j LEASTCONN --to 1::2::3;;FAIL
-p tcp -j LEASTCONN --to 2001:db8::g;;FAIL
-p tcp -j LEASTCONN --to localhost;;FAIL
-p tcp -j LEASTCONN --to backup1;;FAIL
# the protocol a port needs
-p udp -j LEASTCONN --to [2001:db8::1]:53;=;OK
-p sctp -j LEASTCONN --to [2001:db8::1]:53;=;OK
-p dccp -j LEASTCONN --to [2001:db8::1]:53;=;OK
-p udplite -j LEASTCONN --to [2001:db8::1]:53;=;OK
-p ipv6-icmp -j LEASTCONN --to 2001:db8::1;=;OK
! -p tcp -j LEASTCONN --to 2001:db8::1;=;OK
-j LEASTCONN --to [2001:db8::1]:80 -p tcp;-p tcp -j LEASTCONN --to [2001:db8::1]:80;OK
-j LEASTCONN --to [2001:db8::1]:80;;FAIL
! -p tcp -j LEASTCONN --to [2001:db8::1]:80;;FAIL
-p ipv6-icmp -j LEASTCONN --to [2001:db8::1]:80;;FAIL
# several backends, in the order written
-p tcp -j LEASTCONN --to [2001:db8::2]:80,[2001:db8::1]:80;-p tcp -j LEASTCONN --to [2001:db8::2]:80 --to [2001:db8::1]:80;OK
-p tcp -j LEASTCONN --to [2001:db8::2]:80 --to [2001:db8::1]:80 --to 2001:db8::1 --to [2001:db8::1]:81;=;OK
# attributes
-p tcp -j LEASTCONN --to [2001:db8::1]:80,weight=3,max-conns=5,backup;=;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:80,backup,max-conns=5,weight=3;-p tcp -j LEASTCONN --to [2001:db8::1]:80,weight=3,max-conns=5,backup;OK
-j LEASTCONN --to 2001:db8::1,weight=0;=;OK
-j LEASTCONN --to 2001:db8::1,weight=1;-j LEASTCONN --to 2001:db8::1;OK
-j LEASTCONN --to 2001:db8::1,weight=65535;=;OK
-j LEASTCONN --to 2001:db8::1,max-conns=0;-j LEASTCONN --to 2001:db8::1;OK
-j LEASTCONN --to 2001:db8::1,max-conns=1;=;OK
-j LEASTCONN --to 2001:db8::1,max-conns=4294967295;=;OK
-j LEASTCONN --to 2001:db8::1,backup;=;OK
-j LEASTCONN --to 2001:db8::1,weight=65536;;FAIL
-j LEASTCONN --to 2001:db8::1,weight=-1;;FAIL
-j LEASTCONN --to 2001:db8::1,weight=;;FAIL
-j LEASTCONN --to 2001:db8::1,weight;;FAIL
-j LEASTCONN --to 2001:db8::1,max-conns=4294967296;;FAIL
-j LEASTCONN --to 2001:db8::1,max-conns=-1;;FAIL
-j LEASTCONN --to 2001:db8::1,max-conns=;;FAIL
-j LEASTCONN --to 2001:db8::1,backup=1;;FAIL
-j LEASTCONN --to 2001:db8::1,weight=2,weight=3;;FAIL
-j LEASTCONN --to 2001:db8::1,backup,backup;;FAIL
-j LEASTCONN --to 2001:db8::1,speed=3;;FAIL
-j LEASTCONN --to weight=2;;FAIL
-j LEASTCONN --to 2001:db8::1 --to backup;;FAIL
-j LEASTCONN --to 2001:db8::1,;;FAIL
-j LEASTCONN --to 2001:db8::1,,2001:db8::2;;FAIL
# ranges, in every spelling
-j LEASTCONN --to 2001:db8::1-2001:db8::3;-j LEASTCONN --to 2001:db8::1 --to 2001:db8::2 --to 2001:db8::3;OK
-j LEASTCONN --to [2001:db8::1]-[2001:db8::3];-j LEASTCONN --to 2001:db8::1 --to 2001:db8::2 --to 2001:db8::3;OK
-j LEASTCONN --to [2001:db8::1-2001:db8::3];-j LEASTCONN --to 2001:db8::1 --to 2001:db8::2 --to 2001:db8::3;OK
-p tcp -j LEASTCONN --to [2001:db8::1]-[2001:db8::3]:80;-p tcp -j LEASTCONN --to [2001:db8::1]:80 --to [2001:db8::2]:80 --to [2001:db8::3]:80;OK
-p tcp -j LEASTCONN --to [2001:db8::1]:80-[2001:db8::3]:80;-p tcp -j LEASTCONN --to [2001:db8::1]:80 --to [2001:db8::2]:80 --to [2001:db8::3]:80;OK
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::3]:80;-p tcp -j LEASTCONN --to [2001:db8::1]:80 --to [2001:db8::2]:80 --to [2001:db8::3]:80;OK
-j LEASTCONN --to 2001:db8::1-2001:db8::1;-j LEASTCONN --to 2001:db8::1;OK
-j LEASTCONN --to 2001:db8::ffff-2001:db8::1:0;-j LEASTCONN --to 2001:db8::ffff --to 2001:db8::1:0;OK
-j LEASTCONN --to 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff-2001:db8::;-j LEASTCONN --to 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff --to 2001:db8::;OK
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::2]:80,weight=3,max-conns=5,backup;-p tcp -j LEASTCONN --to [2001:db8::1]:80,weight=3,max-conns=5,backup --to [2001:db8::2]:80,weight=3,max-conns=5,backup;OK
-p tcp -j LEASTCONN --to 2001:db8::3-2001:db8::1;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80-[2001:db8::3]:81;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80-[2001:db8::3];;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]-2001:db8::3;;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1-[2001:db8::3]:80;;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1-2001:db8::3:80;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::3;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::3]-2001:db8::5;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::2-2001:db8::3];;FAIL
-p tcp -j LEASTCONN --to 2001:db8::1-;;FAIL
-p tcp -j LEASTCONN --to -2001:db8::1;;FAIL
-p tcp -j LEASTCONN --to [-]:80;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1-2001:db8::3]:0;;FAIL
-p tcp -j LEASTCONN --to [::-::3];;FAIL
# at most 64 backends, by range and by list
-j LEASTCONN --to fd00::1-fd00::40;-j LEASTCONN --to fd00::1 --to fd00::2 --to fd00::3 --to fd00::4 --to fd00::5 --to fd00::6 --to fd00::7 --to fd00::8 --to fd00::9 --to fd00::a --to fd00::b --to fd00::c --to fd00::d --to fd00::e --to fd00::f --to fd00::10 --to fd00::11 --to fd00::12 --to fd00::13 --to fd00::14 --to fd00::15 --to fd00::16 --to fd00::17 --to fd00::18 --to fd00::19 --to fd00::1a --to fd00::1b --to fd00::1c --to fd00::1d --to fd00::1e --to fd00::1f --to fd00::20 --to fd00::21 --to fd00::22 --to fd00::23 --to fd00::24 --to fd00::25 --to fd00::26 --to fd00::27 --to fd00::28 --to fd00::29 --to fd00::2a --to fd00::2b --to fd00::2c --to fd00::2d --to fd00::2e --to fd00::2f --to fd00::30 --to fd00::31 --to fd00::32 --to fd00::33 --to fd00::34 --to fd00::35 --to fd00::36 --to fd00::37 --to fd00::38 --to fd00::39 --to fd00::3a --to fd00::3b --to fd00::3c --to fd00::3d --to fd00::3e --to fd00::3f --to fd00::40;OK
-j LEASTCONN --to fd00::1,fd00::2,fd00::3,fd00::4,fd00::5,fd00::6,fd00::7,fd00::8,fd00::9,fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f,fd00::10,fd00::11,fd00::12,fd00::13,fd00::14,fd00::15,fd00::16,fd00::17,fd00::18,fd00::19,fd00::1a,fd00::1b,fd00::1c,fd00::1d,fd00::1e,fd00::1f,fd00::20,fd00::21,fd00::22,fd00::23,fd00::24,fd00::25,fd00::26,fd00::27,fd00::28,fd00::29,fd00::2a,fd00::2b,fd00::2c,fd00::2d,fd00::2e,fd00::2f,fd00::30,fd00::31,fd00::32,fd00::33,fd00::34,fd00::35,fd00::36,fd00::37,fd00::38,fd00::39,fd00::3a,fd00::3b,fd00::3c,fd00::3d,fd00::3e,fd00::3f,fd00::40;-j LEASTCONN --to fd00::1 --to fd00::2 --to fd00::3 --to fd00::4 --to fd00::5 --to fd00::6 --to fd00::7 --to fd00::8 --to fd00::9 --to fd00::a --to fd00::b --to fd00::c --to fd00::d --to fd00::e --to fd00::f --to fd00::10 --to fd00::11 --to fd00::12 --to fd00::13 --to fd00::14 --to fd00::15 --to fd00::16 --to fd00::17 --to fd00::18 --to fd00::19 --to fd00::1a --to fd00::1b --to fd00::1c --to fd00::1d --to fd00::1e --to fd00::1f --to fd00::20 --to fd00::21 --to fd00::22 --to fd00::23 --to fd00::24 --to fd00::25 --to fd00::26 --to fd00::27 --to fd00::28 --to fd00::29 --to fd00::2a --to fd00::2b --to fd00::2c --to fd00::2d --to fd00::2e --to fd00::2f --to fd00::30 --to fd00::31 --to fd00::32 --to fd00::33 --to fd00::34 --to fd00::35 --to fd00::36 --to fd00::37 --to fd00::38 --to fd00::39 --to fd00::3a --to fd00::3b --to fd00::3c --to fd00::3d --to fd00::3e --to fd00::3f --to fd00::40;OK
-p tcp -j LEASTCONN --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00-2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3f]:65535,weight=65535,max-conns=4294967295,backup;-p tcp -j LEASTCONN --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff01]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff02]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff03]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff04]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff05]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff06]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff07]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff08]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff09]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0a]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0b]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0c]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0d]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0e]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff0f]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff10]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff11]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff12]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff13]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff14]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff15]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff16]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff17]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff18]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff19]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1a]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1b]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1c]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1d]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1e]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff1f]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff20]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff21]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff22]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff23]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff24]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff25]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff26]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff27]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff28]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff29]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2a]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2b]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2c]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2d]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2e]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff2f]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff30]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff31]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff32]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff33]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff34]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff35]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff36]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff37]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff38]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff39]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3a]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3b]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3c]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3d]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3e]:65535,weight=65535,max-conns=4294967295,backup --to [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff3f]:65535,weight=65535,max-conns=4294967295,backup;OK
-j LEASTCONN --to fd00::1-fd00::41;;FAIL
-j LEASTCONN --to fd00::1,fd00::2,fd00::3,fd00::4,fd00::5,fd00::6,fd00::7,fd00::8,fd00::9,fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f,fd00::10,fd00::11,fd00::12,fd00::13,fd00::14,fd00::15,fd00::16,fd00::17,fd00::18,fd00::19,fd00::1a,fd00::1b,fd00::1c,fd00::1d,fd00::1e,fd00::1f,fd00::20,fd00::21,fd00::22,fd00::23,fd00::24,fd00::25,fd00::26,fd00::27,fd00::28,fd00::29,fd00::2a,fd00::2b,fd00::2c,fd00::2d,fd00::2e,fd00::2f,fd00::30,fd00::31,fd00::32,fd00::33,fd00::34,fd00::35,fd00::36,fd00::37,fd00::38,fd00::39,fd00::3a,fd00::3b,fd00::3c,fd00::3d,fd00::3e,fd00::3f,fd00::40,fd00::41;;FAIL
-j LEASTCONN --to fd00::1-fd00::40,fd00::41;;FAIL
-j LEASTCONN --to fd00::1-fd00::40 --to fd00::41;;FAIL
-j LEASTCONN --to 2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff;;FAIL
# duplicates, also by way of a range
-j LEASTCONN --to 2001:db8::1,2001:db8::1;;FAIL
-j LEASTCONN --to 2001:db8::1,2001:DB8:0::1;;FAIL
-j LEASTCONN --to 2001:db8::1,[2001:db8::1];;FAIL
-j LEASTCONN --to 2001:db8::1-2001:db8::3,2001:db8::2;;FAIL
-j LEASTCONN --to 2001:db8::2 --to 2001:db8::1-2001:db8::3;;FAIL
-p tcp -j LEASTCONN --to [2001:db8::1]:80,[2001:db8::1]:80;;FAIL
# addresses that are no backend's
-j LEASTCONN --to ::;;FAIL
-j LEASTCONN --to ff00::;;FAIL
-j LEASTCONN --to ff02::1;;FAIL
-j LEASTCONN --to ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff;;FAIL
-j LEASTCONN --to ::-::1;;FAIL
-j LEASTCONN --to feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff-ff00::;;FAIL
# the other family
-j LEASTCONN --to 10.0.0.1;;FAIL
-j LEASTCONN --to 2001:db8::1,10.0.0.1;;FAIL
-j LEASTCONN --to 10.0.0.1-10.0.0.3;;FAIL
-j LEASTCONN --to 2001:db8::1-10.0.0.1;;FAIL
-j LEASTCONN --to [10.0.0.1];;FAIL
-p tcp -j LEASTCONN --to 10.0.0.1:80;;FAIL
-p tcp -j LEASTCONN --to [10.0.0.1]:80;;FAIL
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
-j LEASTCONN --pool 2001:db8::1%;;FAIL
-j LEASTCONN --pool;;FAIL
-j LEASTCONN ! --pool web;;FAIL
-j LEASTCONN --pool web --pool web;;FAIL
-j LEASTCONN --pool web --to 2001:db8::1;;FAIL
-j LEASTCONN --to 2001:db8::1 --pool web;;FAIL
# --to itself
-j LEASTCONN;;FAIL
-j LEASTCONN --to;;FAIL
-j LEASTCONN ! --to 2001:db8::1;;FAIL
