using System.Text;

namespace EfficientConv.Dsl.Compiler.Model;

/// <summary>
/// An immutable text, one byte for each character where it can be. An editor keeps the generated text of every network as long as the project
/// is open, and nearly all of it is ASCII.
/// </summary>
public sealed class CompactText : IEquatable<CompactText>
{
    private readonly byte[]? _narrow;
    private readonly string? _wide;

    /// <summary>Copies <paramref name="text"/>.</summary>
    public CompactText(string text)
    {
        Length = text.Length;
        byte[] narrow = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] > byte.MaxValue)
            {
                _wide = text;
                return;
            }

            narrow[i] = (byte)text[i];
        }

        _narrow = narrow;
    }

    /// <summary>Number of characters.</summary>
    public int Length { get; }

    /// <summary>The character at <paramref name="index"/>.</summary>
    public char this[int index] => _narrow is null ? _wide![index] : (char)_narrow[index];

    /// <summary>Copies characters.</summary>
    public void CopyTo(int start, char[] destination, int destinationStart, int count)
    {
        if (_narrow is null)
        {
            _wide!.CopyTo(start, destination, destinationStart, count);
            return;
        }

        for (int i = 0; i < count; i++)
            destination[destinationStart + i] = (char)_narrow[start + i];
    }

    /// <inheritdoc/>
    public bool Equals(CompactText? other) =>
        ReferenceEquals(this, other)
        || (other is not null && Length == other.Length && _wide == other._wide && (_narrow ?? []).SequenceEqual(other._narrow ?? []));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CompactText);

    /// <inheritdoc/>
    public override int GetHashCode() => Length;

    /// <inheritdoc/>
    public override string ToString()
    {
        if (_narrow is null)
            return _wide!;
        StringBuilder text = new(Length);
        foreach (byte character in _narrow)
            text.Append((char)character);
        return text.ToString();
    }
}
