"""Every form that can be drawn, by name. A form is a function of a plate and a look."""

from collections.abc import Callable, Mapping
from typing import Final

from firmware_sim.goods.forms import (
    bags,
    bottoms,
    folded,
    glassware,
    jackets,
    lamps,
    seats,
    shoes,
    tables,
    tableware,
    textiles,
    tops,
    vessels,
    wall,
)
from firmware_sim.goods.forms.look import Look
from firmware_sim.goods.ink.plate import Plate

Draw = Callable[[Plate, Look], None]

FORMS: Final[Mapping[str, Draw]] = {
    draw.__name__: draw
    for draw in (
        lamps.floor_lamp,
        lamps.table_lamp,
        lamps.pendant,
        seats.chair,
        seats.armchair,
        seats.sofa,
        seats.stool,
        seats.bench,
        tables.table,
        tables.shelf,
        tableware.mug,
        tableware.bowl,
        tableware.dish,
        tableware.teapot,
        tableware.jug,
        glassware.glass,
        glassware.candle,
        vessels.vase,
        vessels.planter,
        vessels.basket,
        textiles.cushion,
        textiles.rug,
        folded.throw,
        folded.towel,
        folded.bedding,
        textiles.scarf,
        wall.clock,
        wall.mirror,
        jackets.jacket,
        tops.shirt,
        tops.tee,
        tops.jumper,
        tops.dress,
        bottoms.trousers,
        bottoms.skirt,
        shoes.shoe,
        bags.bag,
        bags.hat,
    )
}
