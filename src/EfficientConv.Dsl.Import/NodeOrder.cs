namespace EfficientConv.Dsl.Import;

/// <summary>Nodes in the order in which they can be computed.</summary>
internal static class NodeOrder
{
    /// <summary>What the outputs need, in topological order; in the file the nodes may stand in any.</summary>
    public static List<Node> Sort(string path, IReadOnlyList<Node> nodes, HashSet<string> known, IReadOnlyList<string> outputs)
    {
        Dictionary<string, Node> makers = [];
        foreach (Node node in nodes)
        {
            foreach (string output in node.Outputs.Where(output => output.Length > 0))
            {
                if (!makers.TryAdd(output, node))
                    throw new ImportException($"{path}: the tensor \"{output}\" is made by {makers[output]} and by {node}.");
            }
        }

        List<Node> sorted = [];
        HashSet<Node> done = new(ReferenceEqualityComparer.Instance), open = new(ReferenceEqualityComparer.Instance);
        foreach (string output in outputs)
        {
            if (!makers.ContainsKey(output) && !known.Contains(output))
                throw new ImportException($"{path} has no tensor \"{output}\" (--until names what a node makes; the file's outputs are made by: {string.Join(", ", nodes.Where(n => n.Outputs.Any(outputs.Contains)).Take(10))}).");
            Visit(output);
        }

        return sorted;

        // Depth first without recursion: graphs of thousands of nodes in a row are usual.
        void Visit(string tensor)
        {
            Stack<(Node Node, bool IsDone)> stack = new();
            Push(tensor, "an output");
            while (stack.TryPop(out (Node Node, bool IsDone) top))
            {
                if (top.IsDone)
                {
                    open.Remove(top.Node);
                    if (done.Add(top.Node))
                        sorted.Add(top.Node);
                    continue;
                }

                if (done.Contains(top.Node))
                    continue;
                if (!open.Add(top.Node))
                    throw new ImportException($"{path}: {top.Node} needs its own output.");
                stack.Push((top.Node, true));
                foreach (string input in top.Node.Inputs.Reverse())
                    Push(input, top.Node.ToString());
            }

            void Push(string name, string reader)
            {
                if (known.Contains(name))
                    return;
                Node maker = makers.TryGetValue(name, out Node? found) ? found : throw new ImportException($"{path}: {reader} reads \"{name}\", which nothing makes.");
                if (open.Contains(maker))
                    throw new ImportException($"{path}: {maker} needs its own output.");
                if (!done.Contains(maker))
                    stack.Push((maker, false));
            }
        }
    }
}
