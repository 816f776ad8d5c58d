"""The system calls by which programs try to get out, by name and number.

None of them is ever allowed; they stand apart from the rest of the forbidden ones because an
honest program has no reason to make them, so that each is worth counting.
"""

from __future__ import annotations

X86 = (
    "execve=59 execveat=322 fork=57 vfork=58 ptrace=101 process_vm_readv=310 "
    "process_vm_writev=311 kcmp=312 process_madvise=440 pidfd_open=434 pidfd_getfd=438 "
    "pidfd_send_signal=424 socket=41 connect=42 bind=49 unshare=272 setns=308 mount=165 "
    "umount2=166 pivot_root=155 chroot=161 open_tree=428 move_mount=429 fsopen=430 "
    "mount_setattr=442 swapon=167 bpf=321 perf_event_open=298 io_uring_setup=425 "
    "io_uring_enter=426 io_uring_register=427 userfaultfd=323 init_module=175 finit_module=313 "
    "delete_module=176 kexec_load=246 kexec_file_load=320 reboot=169 keyctl=250 add_key=248 "
    "request_key=249 open_by_handle_at=304 name_to_handle_at=303 memfd_create=319 "
    "memfd_secret=447 shmget=29 shmat=30 semget=64 msgget=68 mq_open=240 setuid=105 setgid=106 "
    "setreuid=113 setregid=114 setresuid=117 setresgid=119 setgroups=116 setfsuid=122 "
    "setfsgid=123 setsid=112 setpgid=109 personality=135 seccomp=317 tkill=200 "
    "rt_sigqueueinfo=129 rt_tgsigqueueinfo=297 chmod=90 fchmod=91 fchmodat=268 chown=92 "
    "fchown=93 lchown=94 fchownat=260 link=86 linkat=265 symlink=88 symlinkat=266 truncate=76 "
    "mknod=133 mknodat=259 setxattr=188 sethostname=170 setdomainname=171 syslog=103 acct=163 "
    "iopl=172 ioperm=173 vhangup=153 settimeofday=164 clock_settime=227 modify_ldt=154 "
    "quotactl=179 fanotify_init=300 inotify_init1=294 inotify_init=253"
)
ARM = (
    "execve=221 execveat=281 ptrace=117 process_vm_readv=270 process_vm_writev=271 kcmp=272 "
    "process_madvise=440 pidfd_open=434 pidfd_getfd=438 pidfd_send_signal=424 socket=198 "
    "connect=203 bind=200 unshare=97 setns=268 mount=40 umount2=39 pivot_root=41 chroot=51 "
    "open_tree=428 move_mount=429 fsopen=430 mount_setattr=442 swapon=224 bpf=280 "
    "perf_event_open=241 io_uring_setup=425 io_uring_enter=426 io_uring_register=427 "
    "userfaultfd=282 init_module=105 finit_module=273 delete_module=106 kexec_load=104 "
    "kexec_file_load=294 reboot=142 keyctl=219 add_key=217 request_key=218 "
    "open_by_handle_at=265 name_to_handle_at=264 memfd_create=279 memfd_secret=447 shmget=194 "
    "shmat=196 semget=190 msgget=186 mq_open=180 setuid=146 setgid=144 setreuid=145 "
    "setregid=143 setresuid=147 setresgid=149 setgroups=159 setfsuid=151 setfsgid=152 setsid=157 "
    "setpgid=154 personality=92 seccomp=277 tkill=130 rt_sigqueueinfo=138 rt_tgsigqueueinfo=240 "
    "fchmod=52 fchmodat=53 fchown=55 fchownat=54 linkat=37 symlinkat=36 truncate=45 mknodat=33 "
    "setxattr=5 sethostname=161 setdomainname=162 syslog=116 acct=89 vhangup=58 "
    "settimeofday=170 clock_settime=112 quotactl=60 fanotify_init=262 inotify_init1=26"
)
