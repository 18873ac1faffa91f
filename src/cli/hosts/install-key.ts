/**
 * As `ssh-copy-id` does, for `sh -s -- LINE`: adds the line to those that may log in, once. Where SELinux keeps sshd from files with
 * another label than theirs, they get theirs.
 */
export const INSTALL_KEY_SCRIPT = String.raw`set -eu
umask 077
line=$1
key=$(echo "$line" | cut -d' ' -f2)
mkdir -p "$HOME/.ssh"
chmod 700 "$HOME/.ssh"
file=$HOME/.ssh/authorized_keys
touch "$file"
chmod 600 "$file"
if grep -v '^[[:space:]]*#' "$file" | grep -qF -e "$key"; then echo present; exit 0; fi
# The last line may lack its end.
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
printf '%s\n' "$line" >>"$file"
if command -v restorecon >/dev/null 2>&1; then restorecon -F "$HOME/.ssh" "$file" || true; fi
echo added
`;
