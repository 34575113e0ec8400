using EfficientConv.Dsl.Compiler.Model;

namespace EfficientConv.Dsl.Compiler.Scheduling.Nests;

/// <summary>Collects the nodes of a loop nest; what is added until a loop's scope is disposed of is its body.</summary>
internal sealed class NestBuilder
{
    private readonly Stack<List<Nest>> _bodies = new([[]]);

    /// <summary>The nodes.</summary>
    public EquatableArray<Nest> Build() => _bodies.Count == 1 ? _bodies.Peek().ToEquatableArray() : throw new InvalidOperationException("A loop has no end.");

    /// <summary>A node, if <paramref name="condition"/> holds.</summary>
    public void Add(Nest nest, bool condition = true)
    {
        if (condition)
            _bodies.Peek().Add(nest);
    }

    /// <summary>All of <paramref name="nests"/>.</summary>
    public void AddRange(IEnumerable<Nest> nests) => _bodies.Peek().AddRange(nests);

    /// <summary>A constant.</summary>
    public Variable Constant(string name, Scalar value)
    {
        Variable constant = new(name);
        Add(new DefineConstant(constant, value));
        return constant;
    }

    /// <summary>An integer.</summary>
    public Variable Define(string name, Scalar value)
    {
        Variable variable = new(name);
        Define((variable, value));
        return variable;
    }

    /// <summary>Integers in one line.</summary>
    public void Define(params (Variable Name, Scalar Value)[] definitions) =>
        Add(new Define(definitions.Select(definition => new Definition(definition.Name, definition.Value)).ToEquatableArray()));

    /// <summary>A name for a place in memory.</summary>
    public Storage Bind(string name, Pointer to)
    {
        Storage storage = new(name);
        Add(new Bind(storage, to));
        return storage;
    }

    /// <summary>A comment.</summary>
    public void Comment(string text) => Add(new Comment(text));

    /// <summary>An empty line.</summary>
    public void Blank() => Add(new Blank());

    /// <summary>All threads wait for each other.</summary>
    public void Barrier(bool condition = true) => Add(new Barrier(), condition);

    /// <summary>A loop from 0 on that every thread runs as a whole.</summary>
    public IDisposable For(Variable index, int count) => For(index, 0, count, count);

    /// <summary>A loop that every thread runs as a whole.</summary>
    public IDisposable For(Variable index, Scalar from, Scalar to, double trips, Scalar? step = null) =>
        Scope(body => new For(index, from, to, body, trips) { Step = step ?? 1 });

    /// <summary>A loop whose units threads share.</summary>
    public IDisposable Parallel(Variable index, int units) => Scope(body => new Parallel(index, units, body));

    /// <summary>Rows that are made when a window comes to them.</summary>
    public IDisposable FillRing(Variable next, Scalar first, Scalar end, int rows, double trips) => Scope(body => new FillRing(next, first, end, rows, body, trips));

    /// <summary>What is done under a condition.</summary>
    public IDisposable If(Condition when, double share = 1) => Scope(body => new If(when, body, [], share));

    /// <summary>What is done under the opposite of the last condition, of which this is the end.</summary>
    public IDisposable Else() => Scope(body =>
    {
        List<Nest> nests = _bodies.Peek();
        If last = (If)nests[nests.Count - 1];
        nests.RemoveAt(nests.Count - 1);
        return last with { Else = body };
    });

    private ScopeOf Scope(Func<EquatableArray<Nest>, Nest> close)
    {
        _bodies.Push([]);
        return new ScopeOf(this, close);
    }

    private sealed class ScopeOf(NestBuilder builder, Func<EquatableArray<Nest>, Nest> close) : IDisposable
    {
        public void Dispose()
        {
            EquatableArray<Nest> body = builder._bodies.Pop().ToEquatableArray();
            builder.Add(close(body));
        }
    }
}
