"""`firstlight trace`: what a network does with an input, step by step, told by the engine without any framework."""

import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import click
import numpy as np

from firstlight.errors import FirstlightError

__all__ = ["trace"]


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1)
@click.option("--html", type=click.Path(path_type=Path), metavar="PAGE", help="Write a page with pictures of it all.")
@click.option("--json", "records", type=click.Path(path_type=Path), metavar="FILE", help="Write all records as JSON.")
@click.option(
    "--output", metavar="INDEX", help="The number to take gradients of: 0,7 or logits,0,0,7; by default the largest."
)
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Tell all of this step; may be given repeatedly.")
@click.option(
    "--range",
    "bounds",
    type=float,
    nargs=2,
    default=(0.0, 255.0),
    show_default=True,
    help="What black and white of a picture are for the network.",
)
@click.option("--seed", type=int, help="Draw the input at random from this seed.")
def trace(network: Path, inputs: tuple[str, ...], **options: Any) -> None:
    """Run NETWORK on INPUTS and tell every step: formula, shapes, numbers, gradients, time.

    NETWORK is a .keras file, or the run folder of a captioner, whose caption of a picture is then told word by word.
    An input is a picture, a .npy or .npz file, or numbers such as 3,1,4. A network of several inputs takes name=input.

    \b
      firstlight trace digits.keras seven.png --range 0 1 --html page.html
      firstlight trace runs/mine beach.jpg --html caption.html
      firstlight trace runs/mine/bridge.keras --seed 0
    """
    if network.is_dir():
        _trace_caption(network, inputs, **options)
    else:
        _trace_network(network, inputs, **options)


# -- a network ---------------------------------------------------------------------------------------------------


def _trace_network(
    network: Path,
    inputs: tuple[str, ...],
    html: Path | None,
    records: Path | None,
    output: str | None,
    steps: tuple[str, ...],
    bounds: tuple[float, float],
    seed: int | None,
) -> None:
    from firstlight import engine

    model = engine.load(network)
    named = _named(model, inputs, bounds, seed)
    found = engine.trace(model, named if len(named) > 1 else next(iter(named.values())), output=_index(output))
    click.echo(str(found))
    for name in steps:
        click.echo(_told(found[name]))
    if records:
        found.to_json(records)
        click.echo(f"Records: {records}", err=True)
    if html:
        found.to_html(html, f"{network.name}, step by step")
        click.echo(f"Page: {html}", err=True)


def _named(model: Any, inputs: tuple[str, ...], bounds: tuple[float, float], seed: int | None) -> dict[str, Any]:
    """An array for each input of the network, by name."""
    symbols = {symbol.node.layer.name: symbol for symbol in model.inputs}
    told = ", ".join(f"{name} {_without_batch(symbol.shape)}" for name, symbol in symbols.items())
    if seed is not None:
        if inputs:
            raise click.UsageError("--seed draws the input. Give INPUTS or --seed.")
        random = np.random.default_rng(seed)
        return {name: _drawn(random, symbol) for name, symbol in symbols.items()}
    found: dict[str, Any] = {}
    for place, text in enumerate(inputs):
        name, sign, value = text.partition("=")
        if not sign or name not in symbols:
            unnamed = [each for each in symbols if each not in found]
            name, value = unnamed[0] if unnamed else f"input {place + 1}", text
        if Path(value).suffix == ".npz":
            arrays = _arrays(value)
            found |= {each: _batched(arrays[each], symbols[each], each) for each in arrays if each in symbols}
        elif name in symbols:
            found[name] = _batched(_read(value, symbols[name], bounds), symbols[name], name)
        else:
            raise FirstlightError(f"Expected {len(symbols)} inputs: {told}. Received {len(inputs)}.")
    missing = [name for name in symbols if name not in found]
    if missing:
        raise FirstlightError(
            f"Expected an input for {', '.join(missing)}: the network takes {told}. Received none. "
            "Name a picture, a .npy file or numbers, or draw them: --seed 0."
        )
    return found


def _read(value: str, symbol: Any, bounds: tuple[float, float]) -> np.ndarray:
    """One input from what was typed."""
    path = Path(value)
    if path.suffix == ".npy":
        return np.asarray(_arrays(value)[""])
    if re.fullmatch(r"[-+.\deE,\s]+", value) and not path.exists():
        try:
            numbers = [float(part) for part in value.split(",") if part.strip()]
        except ValueError as error:
            raise FirstlightError(f"Expected numbers such as 3,1,4. Received {value!r}.") from error
        return np.array(numbers, "int64" if symbol.dtype.startswith("int") else "float32")
    return _picture(value, symbol, bounds)


def _arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name, or the one of a .npy file."""
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            return {"": found} if isinstance(found, np.ndarray) else dict(found)
    except (ValueError, EOFError, BadZipFile) as error:
        raise FirstlightError(
            f"Expected arrays of numbers as NumPy saves them. Received {path}, which cannot be read: {error}"
        ) from error


def _picture(value: str, symbol: Any, bounds: tuple[float, float]) -> np.ndarray:
    """A picture at the size and in the colours that the network takes."""
    from firstlight.data.images import read

    shape = _without_batch(symbol.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise FirstlightError(
            f"Expected an input of shape {shape}: numbers such as 3,1,4, or a .npy file. Received {value!r}."
        )
    size = None if None in shape[:2] else (shape[0], shape[1])
    pixels = read(value, size).astype("float32")
    if len(shape) == 2 or shape[2] == 1:
        grey = pixels @ np.array([0.299, 0.587, 0.114], "float32")  # ITU-R BT.601
        pixels = grey if len(shape) == 2 else grey[..., None]
    low, high = bounds
    return pixels / 255 * (high - low) + low


def _batched(x: np.ndarray, symbol: Any, name: str) -> np.ndarray:
    """With a batch of one, if it has none, and checked."""
    shape = _without_batch(symbol.shape)
    x = x[None] if x.ndim == len(shape) else x
    fits = x.ndim == len(shape) + 1 and all(n in (None, m) for n, m in zip(shape, x.shape[1:], strict=True))
    if not fits:
        raise FirstlightError(f"Expected {name} of shape {shape}, or a batch of such. Received {x.shape}.")
    return x.astype(symbol.dtype) if symbol.dtype != "bfloat16" else x.astype("float32")


def _drawn(random: Any, symbol: Any) -> np.ndarray:
    shape = [1, *(8 if n is None else n for n in _without_batch(symbol.shape))]
    if symbol.dtype.startswith("int"):
        return np.asarray(random.integers(0, 10, shape), symbol.dtype)
    if symbol.dtype == "bool":
        return np.ones(shape, bool)
    return np.asarray(random.normal(size=shape), "float32")


def _without_batch(shape: Any) -> tuple[Any, ...]:
    return tuple(shape[1:])


def _index(text: str | None) -> Any:
    """`logits,0,7` as a name and numbers."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    return tuple(int(part) if re.fullmatch(r"-?\d+", part) else part for part in parts)


def _told(step: Any) -> str:
    """All of a step, in lines."""
    lines = ["", f"{step.name} ({type(step.layer).__name__})", *(f"    {line}" for line in step.formula)]
    arrays = {**step.inputs, **{f"weight {name}": x for name, x in step.weights.items()}}
    arrays |= dict(zip(step.output_names, step.outputs, strict=True))
    arrays |= {"gradient": step.gradient} if step.gradient is not None else {}
    for name, x in arrays.items():
        numbers = np.array2string(x, precision=4, threshold=40, edgeitems=3, prefix="    ")
        lines.append(f"  {name} {tuple(x.shape)}\n    {numbers}")
    return "\n".join(lines)


# -- a caption ---------------------------------------------------------------------------------------------------


def _trace_caption(run: Path, inputs: tuple[str, ...], html: Path | None, **others: Any) -> None:
    from firstlight.cli.caption_trace import chapters, trace_caption
    from firstlight.cli.records import write
    from firstlight.engine.trace_page import page

    for name, flag in (("records", "--json"), ("output", "--output"), ("steps", "--step"), ("seed", "--seed")):
        if others[name] not in (None, ()):
            raise click.UsageError(f"{flag} is for a .keras file: firstlight trace {run}/decoder.keras ...")
    if len(inputs) != 1:
        raise click.UsageError(f"Expected one picture for the captioner in {run}. Received {len(inputs)} inputs.")
    picture, seen, crossed, words = trace_caption(run, inputs[0])
    caption = " ".join(said.word for said in words[:-1])
    click.echo(f"{inputs[0]}: {caption}\n")
    width = max(len(said.word) for said in words)
    for said in words:
        rivals = ", ".join(f"{word} {share:.0%}" for word, share in said.rivals.items() if word != said.word)
        click.echo(f"  {said.word:{width}}  {said.probability:4.0%}   or {rivals}")
    if html:
        lead = f"{inputs[0]}, described by the captioner in {run}, word by word; each is the likeliest one there."
        write(html, page(f"“{caption}”", chapters(picture, seen, crossed, words), lead))
        click.echo(f"Page: {html}", err=True)
