using System.Text;
using EfficientConv.Dsl.Compiler.Model;
using Microsoft.CodeAnalysis.Text;

namespace EfficientConv.Dsl.Generators;

/// <summary>The compiler core's text as Roslyn reads it, without a copy.</summary>
internal sealed class GeneratedText(CompactText text) : SourceText
{
    public override Encoding Encoding => Encoding.UTF8;

    public override int Length => text.Length;

    public override char this[int position] => text[position];

    public override void CopyTo(int sourceIndex, char[] destination, int destinationIndex, int count) => text.CopyTo(sourceIndex, destination, destinationIndex, count);
}
