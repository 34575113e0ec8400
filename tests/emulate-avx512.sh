#!/bin/sh
# The networks of tests/EfficientConv.Dsl.Arm64 with AVX-512, on a processor that has none: published for x86-64-v4, started by Bochs as the first program of a Linux, and
# compared bit for bit with what they give here. Takes some minutes, most of them for the kernel's start. Needs, as root or with what they install:
#   apt-get install bochs bochs-sdl isolinux syslinux-common xorriso busybox-static cpio linux-image-amd64
set -eu
cd "$(dirname "$0")/.."
for tool in bochs-bin xorriso busybox cpio; do
    command -v "$tool" >/dev/null || { echo "$tool is missing; the first lines of $0 say what to install" >&2; exit 127; }
done
kernel=$(ls /boot/vmlinuz-*-amd64 2>/dev/null | tail -n 1)
[ -n "$kernel" ] || { echo "there is no kernel in /boot: apt-get install linux-image-amd64" >&2; exit 127; }
project=tests/EfficientConv.Dsl.Arm64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dotnet run -c Release --project "$project" >"$work/here.txt"
dotnet publish "$project" -c Release -r linux-x64 -p:IlcInstructionSet=x86-64-v4 -o "$work/published" -v quiet

# The program, the libraries that it names, and a shell that starts it and sends what it prints to the serial port.
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$work/disc/isolinux"
cp "$(command -v busybox)" "$root/bin/"
cp "$work/published/EfficientConv.Dsl.Arm64" "$root/networks"
ldd "$root/networks" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 /networks >/dev/ttyS0 2>&1
echo "ended with $?" >/dev/ttyS0
/bin/busybox sleep 1
/bin/busybox poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/disc/initrd.gz"
cp "$kernel" "$work/disc/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/disc/isolinux/"

# Bochs says a wrong size for compacted states (XSAVEC, XSAVES), for which Linux would do without AVX.
cat >"$work/disc/isolinux/isolinux.cfg" <<'BOOT'
DEFAULT networks
LABEL networks
 KERNEL /vmlinuz
 APPEND initrd=/initrd.gz console=ttyS0,115200 quiet mitigations=off nokaslr lpj=4000000 tsc=reliable nosmp lsm= clearcpuid=321,323
BOOT
xorriso -as mkisofs -quiet -o "$work/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/disc"
cat >"$work/bochsrc" <<BOCHS
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=corei7_skylake_x, count=1, ips=50000000
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.txt
display_library: sdl2
log: $work/log.txt
panic: action=fatal
error: action=ignore
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
plugin_ctrl: speaker=0, sb16=0, es1370=0, voodoo=0, ne2k=0, e1000=0
BOCHS

# Debian's Bochs has a debugger, which waits for a command.
echo c >"$work/commands"
SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy timeout 3000 bochs-bin -q -f "$work/bochsrc" -rc "$work/commands" </dev/null >"$work/bochs.txt" 2>&1 || true
tr -d '\r' <"$work/serial.txt" | grep -E ' NaN, |, Avx512$|^ended with' >"$work/there.txt" || { tail -n 20 "$work/bochs.txt" "$work/log.txt" >&2; exit 1; }
if ! grep -qx 'X64, Avx512' "$work/there.txt" || ! grep -qx 'ended with 0' "$work/there.txt"; then
    cat "$work/there.txt" >&2
    echo "the networks did not run with AVX-512" >&2
    exit 1
fi
grep ' NaN, ' "$work/there.txt" >"$work/outputs.txt"
diff "$work/here.txt" "$work/outputs.txt" || { echo "AVX-512 gives other bits" >&2; exit 1; }
printf '%d outputs have the same bits with AVX-512\n' "$(wc -l <"$work/outputs.txt")"
