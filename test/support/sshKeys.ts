/** Public keys that ssh-keygen has made, with the fingerprints that `ssh-keygen -l` has told of them. Their private halves are gone. */

export const sshKeys = {
  ed25519: {
    line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA3KLKVw/S0lvBdm+NwKsZiUkniKxssgl7HDNsOmKghh ann@laptop',
    fingerprint: 'SHA256:NMc3nRFACLrWK6dxK29hdFkFhZTlLH9w7QVZ7+4rBf4',
  },
  nistp256: {
    line: 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNot1iYXJMvyPRIx5AoZcHEPe+9ggmZ2QuHJCm3qXi37cq5GB0e58zAma3TigF7rm9jVk0RqsQ94Y7IWHgggBv4= ann ec256',
    fingerprint: 'SHA256:7WsJWGc4Q80GIY9g9kuPZDwwiCamV5cC6NRHUgG0PLM',
  },
  nistp384: {
    line: 'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBM72BS2vmEFL2y9vNpDoEOaRglfMI9RXIAZqRbX36fLWrF2dKMMYyhh972Ua+Pf12nYrKiUCLjhpWUMz7y3GsjRB2F2jIttxbbdPuq3eckvsELcu9t34YqEyR2ONcNLJzw== ann ec384',
    fingerprint: 'SHA256:fC3zT7RUjQW4490rPqnZiL/gwVUrsTucxc8muUB2o80',
  },
  nistp521: {
    line: 'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAHL0ERl8sO8/gArsdeI1d5L5XGglQyNt5OWwGpJUIBqzfSRSzIBCMziFXeRTVISvagFE22XYpie4njWJ0g7hcN7CAE3R7PNsgrFk17eNqUEGJAxDzYk1yWf+GgrZQVH+9UJiAKfRvUJVi6UQDwznYfJo8DSsTh2Pw4BJtHxn27IVMeEBg== ann ec521',
    fingerprint: 'SHA256:i8326QMP4JynjVxFiLm6rBZiwg35t08xBusc2EykU0I',
  },
  rsa: {
    line: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6SjAEfRkGOddV+SNFURI+dS90fMSfT6h5G5YLmLXPA6N+o0QfAQLEoolylMpvPFl5xNxVFZ4u1jrUMFhNrOE8h9zHLUSSorRZWMFg5D6QtPMv3i7c2bASjG9yrHDkvuKfmalQIj3aJm1Gq4xJFsSVFxotq+pe4RVc7tUMhdVYqZZJi0we/W49/RDP9Iic7z+k3FPYFrtJm+70U+XgBexCPn8VUQoYMt0yP34DQhXNNvUUGEp21bSchYn6QLMlBIyzZ4Ne3nF7RMfGxyf/+NFk/g78wFPQpopDGpMBvP3AJ1EhIF5RT5GIJu+O3upEJdRqJ9/qsFnQew6roTgoCveh ann rsa',
    fingerprint: 'SHA256:Nm0b6b3GYN4g+qNtIgI6iJB9E6CSWLtrLgGSxKi1Blk',
  },
} as const;

/** Of 1024 bits: too few. */
export const shortRsaKey =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQD3Va8aGVeailCyZwE8nsmE2fUgmhpLlgovJy/uvqSZktzUgT+EqYvmfdRQ7qlfBK1cHgkgBlhXPqa5LNU6eJSoiEuoXuQYziGFECmcZgbnCTDi149aB+MI/svXrr1GlTg6atweEzY3bZxi46nGg+/yucUjCvRSFOb9nPNGTBxRbQ== short';
