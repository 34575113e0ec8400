using EfficientConv.Dsl.Compiler.Model;
using EfficientConv.Dsl.Compiler.Scheduling;
using EfficientConv.Dsl.Compiler.Targets;

namespace EfficientConv.Dsl.Tests.Passes;

/// <summary>Every cut covers the whole product once and fits the registers.</summary>
public sealed class RegisterTilingTests
{
    public static TheoryData<string> Targets => [.. VectorTarget.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Choose_CoversAllPixelsAndVectorsOnceWithinTheRegisters(string name)
    {
        VectorTarget target = VectorTarget.All.Single(t => t.Name == name);
        for (int pixels = 1; pixels <= 120; pixels++)
        {
            for (int vectors = 1; vectors <= 24; vectors++)
                Check(target, pixels, vectors);
        }

        Check(target, 12544, 2);
        Check(target, 1, 160);
        Check(target, 49, 80);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 7)]
    [InlineData(10, 3)]
    [InlineData(56, 6)]
    [InlineData(57, 28)]
    [InlineData(3, 28)]
    public void Split_MakesTilesOfNearlyEqualSize(int pixels, int largest)
    {
        EquatableArray<TileRun> runs = RegisterTiling.Split(pixels, largest);
        Assert.Equal(pixels, runs.Sum(r => r.Rows * r.Count));
        Assert.All(runs, r => Assert.InRange(r.Rows, 1, largest));
        Assert.InRange(runs.Max(r => r.Rows) - runs.Min(r => r.Rows), 0, 1);
        Assert.Equal((pixels + largest - 1) / largest, runs.Sum(r => r.Count));
    }

    private static void Check(VectorTarget target, int pixels, int vectors)
    {
        string place = FormattableString.Invariant($"{target.Name}, {pixels} pixels x {vectors} vectors");
        bool[] covered = new bool[vectors];
        foreach (PanelRun panel in RegisterTiling.Choose(target, pixels, vectors))
        {
            for (int vector = panel.First; vector < panel.First + (panel.Vectors * panel.Count); vector++)
            {
                Assert.False(covered[vector], place);
                covered[vector] = true;
            }

            Assert.True(panel.Vectors > 0 && panel.Count > 0 && panel.Tiles.Sum(t => t.Rows * t.Count) == pixels, place);
            foreach (TileRun tile in panel.Tiles)
            {
                // Accumulators and, with several vectors, the panel's weights and a broadcast; one vector multiplies by broadcasts from memory.
                int registers = (tile.Rows * panel.Vectors) + (panel.Vectors == 1 ? 1 : panel.Vectors + 1);
                Assert.True(tile.Rows > 0 && tile.Count > 0 && registers <= target.Registers, $"{place}: a tile of {tile.Rows} x {panel.Vectors} needs {registers} registers");
            }
        }

        Assert.True(Array.TrueForAll(covered, c => c), place);
    }
}
