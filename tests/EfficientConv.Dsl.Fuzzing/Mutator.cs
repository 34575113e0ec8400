using System.Buffers.Binary;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>Changes seeds, the same way for the same number on every machine.</summary>
internal sealed class Mutator(FuzzTarget target)
{
    private const int MostBytes = 1 << 14;

    private static readonly long[] s_numbers = [0, 1, -1, 7, 127, 128, 255, 256, short.MaxValue, ushort.MaxValue, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue];

    private readonly byte[][] _seeds = Seeds.Of(target);

    private readonly byte[][] _words = Seeds.Dictionary(target);

    /// <summary>Input <paramref name="number"/>; the first are the seeds themselves.</summary>
    public byte[] Input(int number)
    {
        if (number < _seeds.Length)
            return [.. _seeds[number]];
        Random random = new(number);
        List<byte> bytes = [.. _seeds[random.Next(_seeds.Length)]];
        int before = bytes.Count;
        for (int changes = random.Next(1, 6); changes > 0; changes--)
            Change(bytes, random);
        byte[] input = [.. bytes.Take(MostBytes)];
        if (random.Next(2) == 0)
            target.Repair?.Invoke(input, input.Length - before);
        return input;
    }

    private void Change(List<byte> bytes, Random random)
    {
        // Sizes and offsets stand in the first bytes of one format and in the last ones of another.
        int at = bytes.Count == 0 ? 0 : random.Next(3) switch { 0 => random.Next(Math.Min(bytes.Count, 96)), 1 => bytes.Count - 1 - random.Next(Math.Min(bytes.Count, 96)), _ => random.Next(bytes.Count) };
        int length = Math.Min(random.Next(1, 24), bytes.Count - at);
        switch (random.Next(_words.Length > 0 ? 10 : 8))
        {
            case 0 when bytes.Count > 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
            case 1 when bytes.Count > 0: bytes[at] = (byte)random.Next(256); break;
            case 2: Overwrite(bytes, at & ~3, Number(random)); break;
            case 3: bytes.RemoveRange(at, length); break;
            case 4: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
            case 5:
                byte[] other = _seeds[random.Next(_seeds.Length)];
                int from = random.Next(other.Length);
                Overwrite(bytes, at, other.AsSpan(from, Math.Min(random.Next(1, 64), other.Length - from)));
                break;
            case 6: bytes.InsertRange(at, System.Text.Encoding.ASCII.GetBytes(s_numbers[random.Next(s_numbers.Length)].ToString(System.Globalization.CultureInfo.InvariantCulture))); break;
            case 7: bytes.RemoveRange(at, random.Next(8) == 0 ? bytes.Count - at : 0); break;
            case 8: bytes.InsertRange(at, _words[random.Next(_words.Length)]); break;
            case 9: Overwrite(bytes, at, _words[random.Next(_words.Length)]); break;
            default: bytes.Add(0); break;
        }
    }

    private static byte[] Number(Random random)
    {
        byte[] word = new byte[random.Next(2) == 0 ? 4 : 8];
        long number = random.Next(3) == 0 ? random.NextInt64() : s_numbers[random.Next(s_numbers.Length)];
        byte[] all = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(all, number);
        all.AsSpan(0, word.Length).CopyTo(word);
        if (random.Next(2) == 0)
            Array.Reverse(word);
        return word;
    }

    private static void Overwrite(List<byte> bytes, int at, ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length && at + i < bytes.Count; i++)
            bytes[at + i] = text[i];
    }
}
